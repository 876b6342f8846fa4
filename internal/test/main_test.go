// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestReportSaysWhatFailedAndWhatDidNotRun(t *testing.T) {
	t.Setenv("SPRY_LONG", "1")
	const events = `{"Action":"output","Package":"m/a","Test":"TestFine","Output":"=== RUN   TestFine\n"}
{"Action":"pass","Package":"m/a","Test":"TestFine"}
{"Action":"output","Package":"m/a","Test":"TestForeign","Output":"    a_test.go:7: NOT TESTED: nngcat is missing; install it\n"}
{"Action":"skip","Package":"m/a","Test":"TestForeign"}
{"Action":"output","Package":"m/a","Test":"TestOther","Output":"    a_test.go:9: NOT TESTED: nngcat is missing; install it\n"}
{"Action":"skip","Package":"m/a","Test":"TestOther"}
{"Action":"output","Package":"m/a","Output":"ok  \tm/a\t0.1s\n"}
{"Action":"pass","Package":"m/a"}
{"Action":"output","Package":"m/b","Test":"TestBad","Output":"    b_test.go:3: bad\n"}
{"Action":"fail","Package":"m/b","Test":"TestBad"}
{"Action":"output","Package":"m/b","Test":"TestPanics","Output":"panic: oh\n"}
{"Action":"output","Package":"m/b","Output":"FAIL\tm/b\t0.1s\n"}
{"Action":"fail","Package":"m/b"}
{"Action":"skip","Package":"m/none"}
`
	var out bytes.Buffer
	r := report{out: &out, said: map[string][]string{}, missing: map[string]int{}}
	if err := r.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	r.summary()
	want := "ok  \tm/a\t0.1s\n    b_test.go:3: bad\npanic: oh\nFAIL\tm/b\t0.1s\nNOT TESTED: nngcat is missing; install it (2 tests)\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestLongestTestsBeginFirst(t *testing.T) {
	got := inOrder([]string{"x", "x/cmd/spry", "x/internal/test/conformance", "x/zmq"})
	if want := []string{"x/internal/test/conformance", "x/cmd/spry", "x", "x/zmq"}; !slices.Equal(got, want) {
		t.Errorf("the order is %q, want %q", got, want)
	}
}

// SPDX-License-Identifier: MIT

package source_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sprymq/spry/cmd/spry/internal/source"
)

func collect(t *testing.T, s *source.Source) (got []string, failure error) {
	t.Helper()
	for frames, err := range s.All() {
		if err != nil {
			return got, err
		}
		got = append(got, string(bytes.Join(frames, []byte("|"))))
	}
	return got, nil
}

func TestOrderOfSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := collect(t, &source.Source{Data: []string{"a", ""}, Files: []string{path}, Stdin: strings.NewReader("in")})
	if want := []string{"a", "", "file\n", "in"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	got, err = collect(t, &source.Source{Files: []string{"-", path}, Stdin: strings.NewReader("in")})
	if want := []string{"in", "file\n"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("with -: got %q, %v; want %q", got, err, want)
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	in := iotest.OneByteReader(strings.NewReader("one\r\n\ntwo\n" + long + "\nlast"))
	got, err := collect(t, &source.Source{Split: source.Lines, Stdin: in})
	if want := []string{"one", "", "two", long, "last"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %d lines, %v", len(got), err)
	}
}

func TestNDJSON(t *testing.T) {
	in := `"text\n"` + "\n\n" + `{"body":"b","peer":"ignored"}` + "\n  " + `{"body_base64":"AP8="}` + "\r\n" + `{"body":""}` +
		"\n" + `["a","",{"base64":"AP8="}]` + "\n" + `{"frames":["topic"]}`
	got, err := collect(t, &source.Source{Split: source.NDJSON, Stdin: strings.NewReader(in)})
	if want := []string{"text\n", "b", "\x00\xff", "", "a||\x00\xff", "topic"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	for _, bad := range []string{
		`{}`, `17`, `[`, `{"body":"a","body_base64":"AA=="}`, `{"body_base64":"?"}`, `"open`, `null`,
		`[]`, `[1]`, `[null]`, `[{}]`, `[{"base64":"?"}]`, `{"frames":[]}`, `{"body":"a","frames":["b"]}`,
	} {
		if got, err := collect(t, &source.Source{Split: source.NDJSON, Stdin: strings.NewReader(bad)}); err == nil {
			t.Errorf("%s was taken as %q", bad, got)
		} else if !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: the error does not tell the line: %v", bad, err)
		}
	}
}

func TestFrames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("c::d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		source source.Source
		want   []string
	}{
		{source.Source{Data: []string{"a::b", "", "::"}, Files: []string{path}, Separator: "::"}, []string{"a|b", "", "|", "c|d\n"}},
		{source.Source{Files: []string{path}, Split: source.Lines, Separator: "::"}, []string{"c|d"}},
		{source.Source{Data: []string{"a::b", ""}, Files: []string{path}, Together: true}, []string{"a::b||c::d\n"}},
		{source.Source{Data: []string{"a::b", "x"}, Together: true, Separator: "::"}, []string{"a|b|x"}},
	} {
		if got, err := collect(t, &test.source); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%+v: got %q, %v; want %q", test.source, got, err, test.want)
		}
	}
}

func TestLimit(t *testing.T) {
	for _, split := range []source.Split{source.Whole, source.Lines} {
		if got, err := collect(t, &source.Source{Split: split, Limit: 4, Stdin: strings.NewReader("1234")}); err != nil || len(got) != 1 {
			t.Errorf("split %d: at the limit: %q, %v", split, got, err)
		}
		if got, err := collect(t, &source.Source{Split: split, Limit: 4, Stdin: endless{}}); err == nil {
			t.Errorf("split %d: beyond the limit: %q", split, got)
		}
	}
}

func TestEmptyStream(t *testing.T) {
	if got, err := collect(t, &source.Source{Stdin: strings.NewReader("")}); err != nil || len(got) != 1 {
		t.Errorf("got %q, %v; want one empty message", got, err)
	}
	if got, err := collect(t, &source.Source{SkipEmpty: true, Stdin: strings.NewReader("")}); err != nil || len(got) != 0 {
		t.Errorf("got %q, %v; want nothing", got, err)
	}
}

func TestErrorsEndTheSource(t *testing.T) {
	if _, err := collect(t, &source.Source{Files: []string{filepath.Join(t.TempDir(), "missing")}}); err == nil {
		t.Error("a missing file is no error")
	}
	for _, split := range []source.Split{source.Whole, source.Lines} {
		if _, err := collect(t, &source.Source{Split: split, Stdin: iotest.ErrReader(io.ErrClosedPipe)}); err == nil {
			t.Errorf("split %d: a read error is lost", split)
		}
	}
}

func TestRepeatable(t *testing.T) {
	for _, test := range []struct {
		source source.Source
		want   bool
	}{
		{source.Source{Data: []string{"x"}, Files: []string{"f"}}, true},
		{source.Source{Files: []string{"-"}}, false},
		{source.Source{Stdin: strings.NewReader("")}, false},
		{source.Source{Files: []string{"f"}, Split: source.Lines}, false},
	} {
		if got := test.source.Repeatable(); got != test.want {
			t.Errorf("%+v: %v", test.source, got)
		}
	}
}

// endless is a stream of zeros without a newline.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const source = `package p

func (q *queue[T]) put(v T) bool {
	if q.full() { // refused
		return false
	}
	q.items = append(q.items, v)
	return true
}

func other() bool {
	if q.full() {
		return false
	}
	return true
}
`

func parse(t *testing.T, list string) []*change {
	t.Helper()
	changes, err := parseList(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func applied(t *testing.T, list string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	_, contents, err := parse(t, list)[0].apply([]string{file})
	return string(contents), err
}

func TestChangeIsMadeInItsDeclaration(t *testing.T) {
	got, err := applied(t, "p queue.put\nsee: more than there is room for\n- if q.full() {\n+ if false {\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(source, "\tif q.full() { // refused", "if false {", 1); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestContextStays(t *testing.T) {
	got, err := applied(t, "p other\nsee: always false\n- return false\n  }\n- return true\n+ }\n+ return false\n")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "}\nreturn false\n}") || strings.Count(got, "return true") != 1 {
		t.Errorf("got\n%s", got)
	}
}

func TestChangesThatDoNotFit(t *testing.T) {
	for name, list := range map[string]string{
		"no such declaration": "p queue.take\nsee: x\n- return false\n",
		"no such line":        "p queue.put\nsee: x\n- return nil\n",
		"ambiguous":           "p other\nsee: x\n- }\n",
	} {
		if got, err := applied(t, list); err == nil {
			t.Errorf("%s: no error, and\n%s", name, got)
		}
	}
}

func TestListsThatDoNotParse(t *testing.T) {
	for name, list := range map[string]string{
		"no declaration": "p\nsee: x\n- y\n",
		"no text":        "p f\nsee: x\n",
		"no effect":      "p f\n- y\n+ z\n",
		"no test":        "p f\nsee: x\ntest: p\n- y\n",
		"needless test":  "p f\nsame: x\ntest: p TestA\n- y\n",
		"stray line":     "p f\nsee: x\n* y\n",
	} {
		if _, err := parseList(strings.NewReader(list)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	changes := parse(t, "# comment\n\np f\nsame: only slower\n- y\n\n\np g\nsee: x\n- y\n+ z\n")
	if len(changes) != 2 || changes[0].same != "only slower" || changes[1].decl != "g" || changes[1].line != 8 {
		t.Errorf("got %+v", changes)
	}
}

func TestKillers(t *testing.T) {
	for out, want := range map[string]string{
		"--- FAIL: TestA (0.00s)\n    a_test.go:1: no\nFAIL\nFAIL\tp\t0.1s\n": "TestA",
		"panic: test timed out after 1s\n\trunning tests:\n":                  killerTime,
		"panic: runtime error: x\n\ngoroutine 1\nFAIL\tp\t0.1s\n":             "panic: runtime error: x",
		"fatal error: all goroutines are asleep - deadlock!\nFAIL\tp\t0.1s\n": "fatal error: all goroutines are asleep - deadlock!",
		"# p\n./a.go:1:1: declared and not used: x\nFAIL\tp [build failed]\n": killerBuild,
		"ok  \tp\t0.1s\n": "",
	} {
		if got := killerOf([]byte(out)); got != want {
			t.Errorf("killer of %q is %q, want %q", out, got, want)
		}
	}
}

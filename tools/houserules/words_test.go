// SPDX-License-Identifier: MIT

package main

import (
	"strings"
	"testing"
)

// checked returns what check says of a file of package p.
func checked(t *testing.T, name, body string) (breaches, warnings string) {
	t.Helper()
	b, w := check(name, []byte(licence+"\npackage p\n\n"+body), true)
	return strings.Join(b, "\n"), strings.Join(w, "\n")
}

func TestWords(t *testing.T) {
	for _, test := range []struct {
		name   string // of the file; empty is a.go
		source string
		want   string // "" = nothing is refused
	}{
		{source: "func kickReader() {}\n", want: `a.go:5: the name kickReader has the word "kick"; use: interrupt`},
		{source: "type s struct {\n\tlastKick int\n}\n", want: "a.go:6: the name lastKick"},
		{source: "func f(told bool) {}\n", want: "the name told"},
		{source: "func f() {\n\tbooks := 1\n\t_ = books\n}\n", want: "the name books"},
		{source: "const TestLaw = 1\n", want: "the name TestLaw"},
		{source: "func kickstart() {}\n"},          // another word
		{source: "func f() { strings.Tell(1) }\n"}, // declared elsewhere
		{name: "a_test.go", source: "var told int\n", want: "the name told"},
		{source: "// F is told of messages.\nfunc F() {}\n", want: `a.go:5: the comment says "told"; use: reported`},
		{source: "// F sends what is\n// queued.\nfunc F() {}\n", want: "the comment says"},
		{source: "func f() {\n\tg() // f is told of messages\n}\n", want: "a.go:6: the comment"},
		{source: "type T struct {\n\tF int // for those who wait\n\tg int // told\n}\n", want: `a.go:6: the comment says "those who"`},
		{source: "var err = errors.New(\"nobody listens\")\n", want: `a.go:5: the error says "nobody"; use: none`},
		{source: "var err = fmt.Errorf(\"nobody at %s\", url)\n", want: "a.go:5: the error"},
		{source: "var err = errors.New(\"toldness\")\n"},
		{name: "a_test.go", source: "// F is told of messages.\nfunc F() { _ = errors.New(\"nobody\") }\n"},
	} {
		if test.name == "" {
			test.name = "a.go"
		}
		got, _ := checked(t, test.name, test.source)
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s:\n%s\ngot %q, want %q", test.name, test.source, got, test.want)
		}
	}
}

func TestLongSentencesAreWarnedOf(t *testing.T) {
	words := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }
	for _, test := range []struct {
		source string
		want   string
	}{
		{"// " + words(31) + ".\nfunc F() {}\n", "a.go:5: warning: a sentence of 31 words"},
		{"// " + words(30) + ".\nfunc F() {}\n", ""},
		{"// " + words(20) + ".\n// " + words(20) + ".\nfunc F() {}\n", ""},
		{"// " + words(20) + "\n//\n// " + words(20) + "\nfunc F() {}\n", ""},
		{"// F:\n//\n//\t" + words(40) + "\nfunc F() {}\n", ""}, // code
		{"// " + words(31) + ".\nfunc f() {}\n", ""},
		{"// " + words(31) + ".\nfunc (t *T[int]) M() {}\n", "a.go:5"},
		{"// " + words(31) + ".\nfunc (t *t) M() {}\n", ""},
		{"// " + words(31) + ".\nvar (\n\tErr = 1\n)\n", "a.go:5"},
		{"type T interface {\n\t// " + words(31) + ".\n\tM()\n}\n", "a.go:6"},
		{"type T struct {\n\tf int // " + words(31) + "\n}\n", ""},
	} {
		breaches, got := checked(t, "a.go", test.source)
		if breaches != "" || test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s\ngot %q and breaches %q, want %q", test.source, got, breaches, test.want)
		}
	}
}

func TestWordListIsRead(t *testing.T) {
	rules, err := parseWords("# a comment\n\nname: a = b\ntext: c d = e\nboth: f = g\n")
	if err != nil || len(rules.names) != 2 || rules.names["f"] != "g" || len(rules.texts) != 2 {
		t.Errorf("got %v, %v", rules, err)
	}
	for _, line := range []string{"a = b", "name: a", "all: a = b"} {
		if _, err := parseWords(line); err == nil || !strings.Contains(err.Error(), "words.txt:1") {
			t.Errorf("%q: got %v", line, err)
		}
	}
}

func TestSplitName(t *testing.T) {
	for name, want := range map[string]string{
		"kick": "kick", "kickReader": "kick reader", "TestURLOf": "test urlof", "a_b": "a b", "_": "",
	} {
		if got := strings.Join(splitName(name), " "); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

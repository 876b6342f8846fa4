// SPDX-License-Identifier: MIT

package cat

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestExec(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of this test are those of a Unix shell")
	}
	for _, test := range []struct {
		line   string
		errors bool
		want   string
		fails  bool
	}{
		{"cat", false, "hello", false},
		{"tr a-z A-Z", false, "HELLO", false},
		{`printf '%s %s' "$SPRY_PEER" "$SPRY_SIZE"`, false, "somebody 5", false},
		{"true", false, "", false}, // does not read its input
		{"cat; exit 3", false, "", true},
		{"cat; exit 3", true, "hello", false},
		{"/nonexistent/command", false, "", true},
	} {
		var stderr bytes.Buffer
		got, err := Exec(test.line, "", &stderr, test.errors)(t.Context(), frames("hello"), "somebody")
		if (err != nil) != test.fails || err == nil && string(bytes.Join(got, nil)) != test.want {
			t.Errorf("%s: %q, %v; want %q", test.line, got, err, test.want)
		}
	}
}

func TestExecTakesAndMakesFrames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of this test are those of a Unix shell")
	}
	got, err := Exec("tr a-z A-Z", "::", &bytes.Buffer{}, false)(t.Context(), frames("a", "", "b"), "")
	if err != nil || !slices.EqualFunc(got, frames("A", "", "B"), bytes.Equal) {
		t.Errorf("%q, %v", got, err)
	}
}

func frames(texts ...string) [][]byte {
	var list [][]byte
	for _, text := range texts {
		list = append(list, []byte(text))
	}
	return list
}

func TestExecShowsWhatTheCommandComplainsOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of this test are those of a Unix shell")
	}
	var stderr bytes.Buffer
	if _, err := Exec("echo trouble >&2", "", &stderr, false)(t.Context(), nil, ""); err != nil || stderr.String() != "trouble\n" {
		t.Errorf("%q, %v", stderr.String(), err)
	}
}

func TestExecEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Exec("cat", "", &bytes.Buffer{}, true)(ctx, frames("x"), ""); err == nil {
		t.Error("a command that could not run made an answer")
	}
}

func TestAnswersAreBounded(t *testing.T) {
	l := limited{left: 3}
	if n, err := l.Write([]byte("abc")); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := l.Write([]byte("d")); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("beyond the limit: %v", err)
	}
}

func TestFixedAnswers(t *testing.T) {
	if got, err := Echo(t.Context(), frames("x", "y"), ""); err != nil || string(bytes.Join(got, nil)) != "xy" {
		t.Errorf("echo: %q, %v", got, err)
	}
	if got, err := Fixed(frames("y"))(t.Context(), frames("x"), ""); err != nil || string(bytes.Join(got, nil)) != "y" {
		t.Errorf("fixed: %q, %v", got, err)
	}
}

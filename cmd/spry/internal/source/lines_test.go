// SPDX-License-Identifier: MIT

package source_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/source"
)

// reads is a stream of which each read returns one of its texts.
type reads []string

func (r *reads) Read(p []byte) (int, error) {
	if len(*r) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*r)[0])
	*r = (*r)[1:]
	return n, nil
}

// runs returns the messages of one frame that come together, with bars between them.
func runs(s *source.Source) (got []string, failure error) {
	for run, err := range s.Runs() {
		if err != nil {
			return got, err
		}
		var bodies []string
		for _, frames := range run {
			bodies = append(bodies, string(frames[0]))
		}
		got = append(got, strings.Join(bodies, "|"))
	}
	return got, nil
}

// Lines that were typed one by one are messages at once; lines of a file come together.
func TestLinesOfOneReadComeTogether(t *testing.T) {
	for _, split := range []source.Split{source.Lines, source.NDJSON} {
		lines := func(texts ...string) *source.Source {
			in := reads(texts)
			if split == source.NDJSON {
				quote := strings.NewReplacer("(", `"`, ")", `"`)
				for i := range in {
					in[i] = quote.Replace(in[i])
				}
			}
			return &source.Source{Split: split, Stdin: &in}
		}
		got, err := runs(lines("(one)\n", "(two)\n(three)\r\n(fo", "ur", ")", "\n", "(five)\n(six)"))
		want := []string{"one", "two|three", "four", "five", "six"}
		if split == source.Lines {
			want = []string{"(one)", "(two)|(three)", "(four)", "(five)", "(six)"}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("split %d: got %q, %v; want %q", split, got, err, want)
		}
	}
}

// The lines before a bad one are sent, and the error says which line it is.
func TestLinesBeforeAnError(t *testing.T) {
	for _, test := range []struct {
		in    reads
		split source.Split
		want  []string
		line  string
	}{
		{reads{`"a"` + "\n\n" + `"b"` + "\n", `"c"` + "\nbad\n" + `"d"` + "\n"}, source.NDJSON, []string{"a|b", "c"}, "line 5:"},
		{reads{"a\nb\n", "c\ntoo long\nd\n"}, source.Lines, []string{"a|b", "c"}, "line 4:"},
		{reads{"a\nb\ntoo ", "long"}, source.Lines, []string{"a|b"}, "line 3:"},
	} {
		s := &source.Source{Split: test.split, Stdin: &test.in}
		if test.split == source.Lines {
			s.Limit = 4
		}
		got, err := runs(s)
		if !slices.Equal(got, test.want) || err == nil || !strings.Contains(err.Error(), test.line) {
			t.Errorf("got %q, %v; want %q and an error of %s", got, err, test.want, test.line)
		}
	}
}

// A read may bring bytes together with its error.
func TestLinesBeforeAReadError(t *testing.T) {
	got, err := runs(&source.Source{Split: source.Lines, Stdin: failing{}})
	if want := []string{"a|b"}; !slices.Equal(got, want) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, %v; want %q and the error", got, err, want)
	}
}

type failing struct{}

func (failing) Read(p []byte) (int, error) { return copy(p, "a\nb\nrest"), io.ErrUnexpectedEOF }

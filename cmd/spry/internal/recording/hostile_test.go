// SPDX-License-Identifier: MIT

package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// framesOf is the record of a message that says it has n empty frames, and has some.
func framesOf(n uint64, some int) []byte {
	return appendFramed(nil, func(dst []byte) []byte {
		dst = append(append(dst, kindMessage), make([]byte, 8+5)...)
		return append(binary.AppendUvarint(dst, n), make([]byte, some)...)
	})
}

// A message has at most 1<<20 frames, whatever a record says.
func TestHostileFrames(t *testing.T) {
	for _, c := range []struct {
		says uint64
		has  int
		ok   bool
		why  string
	}{
		{MaxFrames, MaxFrames, true, ""},
		{MaxFrames + 1, 100, false, "more than 1048576 frames"},
		{math.MaxUint64, 100, false, "more than 1048576 frames"},
		{1 << 32, 100, false, "more than 1048576 frames"},
		{101, 100, false, "longer than the record"},
		{0, 0, false, "longer than the record"},
	} {
		text := append(newHead(head{First: 1}), framesOf(c.says, c.has)...)
		r, _ := Open("", bytes.NewReader(text), ReadOptions{})
		m, err := r.Next(t.Context())
		damage := new(DamageError)
		if c.ok && (err != nil || len(m.Frames) != c.has) || !c.ok && (!errors.As(err, &damage) || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%d frames: %d, %v", c.says, len(m.Frames), err)
		}
	}
	for _, ndjson := range []bool{false, true} {
		w, err := Create(Options{Out: io.Discard, NDJSON: ndjson})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(Message{Frames: make([][]byte, MaxFrames+1)}); !errors.Is(err, ErrTooManyFrames) {
			t.Errorf("a writer says %v", err)
		}
	}
}

func TestHostileLines(t *testing.T) {
	if os.Getenv("SPRY_LONG") == "" {
		t.Skip("a line of a million frames takes 10 s with the race detector; set SPRY_LONG=1")
	}
	r, _ := Open("", strings.NewReader(`{"frames":["a"`+strings.Repeat(`,""`, MaxFrames)+"]}\n"), ReadOptions{})
	if _, err := r.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 1048576 frames") {
		t.Errorf("a line of as many frames: %v", err)
	}
}

// An index that is not that of its file is said to be none, and the messages are found without it.
func TestIndexOfAnotherFile(t *testing.T) {
	m := Message{Time: time.Unix(1, 0), Frames: [][]byte{make([]byte, 1000)}}
	text := newHead(head{First: 1})
	var right index
	for i := range 1000 {
		right.add(mark{uint64(i + 1), m.Time.UnixNano(), int64(len(text))})
		text = appendMessage(text, &m)
	}
	at := int64(len(text))
	change := func(f func(x *mark)) []byte {
		x := index{marks: append([]mark(nil), right.marks...)}
		f(&x.marks[len(x.marks)-1])
		return x.appendEnd(nil, at, false)
	}
	for name, c := range map[string]struct {
		end   []byte
		fault bool
	}{
		"right":                     {right.appendEnd(nil, at, false), false},
		"none":                      {nil, false},
		"a mark within a message":   {change(func(x *mark) { x.offset += 5 }), true},
		"a mark at the end":         {change(func(x *mark) { x.offset = at }), true},
		"a mark of another time":    {change(func(x *mark) { x.time++ }), true},
		"a mark before the first":   {change(func(x *mark) { x.offset = -1 }), true},
		"a mark of an earlier one":  {change(func(x *mark) { x.number = 1 }), true},
		"an end beyond the file":    {right.appendEnd(nil, at+1e6, false), true},
		"an end at a message":       {right.appendEnd(nil, right.marks[0].offset, false), true},
		"an end before the file":    {right.appendEnd(nil, math.MinInt64, false), true},
		"an end where nothing lies": {right.appendEnd(nil, at-3, false), true},
	} {
		path := filepath.Join(t.TempDir(), "r")
		if err := os.WriteFile(path, append(bytes.Clone(text), c.end...), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, nil, ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Seek(Position{Number: 1000}); err != nil || (r.IndexFault() != nil) != c.fault {
			t.Errorf("%s: %v, the fault of the index: %v", name, err, r.IndexFault())
		}
		n := uint64(0)
		for err == nil {
			var got Message
			if got, err = r.Next(t.Context()); err == nil {
				n = got.Number
			}
		}
		if err != io.EOF || n != 1000 {
			t.Errorf("%s: the last message is %d: %v", name, n, err)
		}
		r.Close()
	}
}

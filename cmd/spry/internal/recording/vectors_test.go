// SPDX-License-Identifier: MIT

package recording

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"testing"
	"time"
)

// vectors is docs/wire/vectors/recording.json, which explains its fields.
type vectors struct {
	About    []string
	Segments []struct {
		Name     string
		First    uint64
		Created  time.Time
		Pattern  string
		More     bool
		Messages []struct {
			Time              int64
			Pipe              uint64
			Peer, User, Topic string
			Header            string
			Frames            []string
		}
		Bytes []string // lines
	}
	Damaged []struct {
		Name     string
		Bytes    string
		Messages int
		Cut      int64
		Damaged  bool
	}
}

func load(t *testing.T) (v vectors) {
	t.Helper()
	file, err := os.Open("../../../../docs/wire/vectors/recording.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	d := json.NewDecoder(file)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func unhex(t *testing.T, lines ...string) (b []byte) {
	t.Helper()
	for _, l := range lines {
		part, err := hex.DecodeString(l)
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, part...)
	}
	return b
}

func TestVectors(t *testing.T) {
	v := load(t)
	for _, s := range v.Segments {
		out := newHead(head{First: s.First, Created: s.Created, Pattern: s.Pattern})
		var x index
		var want []Message
		for i, m := range s.Messages {
			message := Message{
				Number: s.First + uint64(i), Time: time.Unix(0, m.Time), Pipe: m.Pipe, Peer: m.Peer, User: m.User, Topic: m.Topic,
				Header: unhex(t, m.Header),
			}
			for _, f := range m.Frames {
				message.Frames = append(message.Frames, unhex(t, f))
			}
			x.add(mark{message.Number, m.Time, int64(len(out))})
			out = appendMessage(out, &message)
			want = append(want, message)
		}
		out = x.appendEnd(out, int64(len(out)), s.More)
		if whole := unhex(t, s.Bytes...); !bytes.Equal(out, whole) {
			t.Errorf("%s is\n%x instead of\n%x", s.Name, out, whole)
			continue
		}
		r, err := Open("", bytes.NewReader(out), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			m, err := r.Next(t.Context())
			if err != nil || m.Number != w.Number || !m.Time.Equal(w.Time) || m.Peer != w.Peer || !bytes.Equal(m.Header, w.Header) || len(m.Frames) != len(w.Frames) {
				t.Fatalf("%s: %+v, %v; want %+v", s.Name, m, err, w)
			}
		}
		if _, err := r.Next(t.Context()); err != io.EOF || r.final == s.More {
			t.Errorf("%s: at its end %v, the last one: %v", s.Name, err, r.final)
		}
		if marks, err := readIndex(bytes.NewReader(out), int64(len(out))); err != nil || len(marks) != len(x.marks) {
			t.Errorf("%s: %d marks instead of %d", s.Name, len(marks), len(x.marks))
		}
	}
	for _, d := range v.Damaged {
		r, err := Open("", bytes.NewReader(unhex(t, d.Bytes)), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for err == nil {
			if _, err = r.Next(t.Context()); err == nil {
				n++
			}
		}
		if (err != io.EOF) != d.Damaged || n != d.Messages || r.Cut() != d.Cut {
			t.Errorf("%s: %d messages, %d bytes cut, %v", d.Name, n, r.Cut(), err)
		}
	}
}

// SPDX-License-Identifier: MIT

package msg

import (
	"testing"

	"github.com/sprymq/spry/internal/buf"
)

// An emptied message keeps small memory of its own for its next contents, and nothing that is large or shared.
func TestWhatAnEmptiedMessageKeeps(t *testing.T) {
	own := New(100)
	_, _ = own.Write([]byte("first"))
	before := &own.Bytes()[0]
	own.Release()
	_, _ = own.Write([]byte("other"))
	if &own.Bytes()[0] != before || string(own.Bytes()) != "other" {
		t.Error("a small message does not use its memory again")
	}
	shared := own.Clone()
	own.Release()
	_, _ = own.Write([]byte("third"))
	if string(shared.Bytes()) != "other" {
		t.Errorf("a clone changed to %q", shared.Bytes())
	}
	for name, m := range map[string]*Message{
		"wrapped": Wrap(make([]byte, 1<<20), func() {}), "unowned": Wrap(make([]byte, 1<<20), nil), "own": New(1 << 20),
	} {
		taken := m.Take()
		if m.data() != nil || m.chunk != nil || m.ext != nil {
			t.Errorf("%s: after Take the message still points to its memory", name)
		}
		taken.Release()
		if taken.data() != nil || taken.chunk != nil || taken.ext != nil {
			t.Errorf("%s: after Release the message still points to its memory", name)
		}
	}
}

// References of one chunk go back together, and messages of several chunks and of none do not disturb each other.
func TestReleaseOfMany(t *testing.T) {
	a, b := buf.NewChunk(100), buf.NewChunk(100)
	run := make([]Message, 5)
	for i, c := range []*buf.Chunk{a, a, nil, b, a} {
		if c == nil {
			run[i] = Of([]byte("free"))
			continue
		}
		c.Retain(1)
		run[i].Share(c, 0, 4, 0)
	}
	again := []*Message{run[0].Clone(), nil, run[3].Clone()}
	ReleaseAll(run)
	if a.Unshared() || b.Unshared() {
		t.Error("a clone does not hold its chunk")
	}
	ReleaseEach(again)
	ReleaseEach(again)
	if !a.Unshared() || !b.Unshared() {
		t.Error("chunks that nobody points into are held")
	}
}

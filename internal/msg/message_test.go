// SPDX-License-Identifier: MIT

package msg

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/buf"
)

func frames(m *Message) (all []string) {
	for i, f := range m.Frames() {
		if i != len(all) {
			all = append(all, "out of order")
		}
		all = append(all, string(f))
	}
	return all
}

func TestZeroMessage(t *testing.T) {
	var m Message
	if m.Len() != 0 || len(m.Bytes()) != 0 || len(m.Header()) != 0 || m.Multipart() || m.Origin() != nil || len(frames(&m)) != 1 {
		t.Error("the zero message is not an empty one")
	}
	m.Release()
	m.Release()
	if n, err := m.Write([]byte("a")); n != 1 || err != nil || string(m.Bytes()) != "a" {
		t.Errorf("Write to a zero message: %d, %v", n, err)
	}
	if c := New(-1); c.Len() != 0 {
		t.Error("a message of negative capacity is not empty")
	}
}

func TestFrames(t *testing.T) {
	m := New(10)
	_, _ = m.Write([]byte("one"))
	p := []byte("two")
	m.AppendFrame(p)
	clear(p) // it is the caller's
	m.AppendFrame(nil)
	if got := frames(m); !slices.Equal(got, []string{"one", "two", ""}) || m.Len() != 6 || string(m.Bytes()) != "onetwo" || !m.Multipart() {
		t.Errorf("frames %q of %d bytes", got, m.Len())
	}
	if string(m.Body()) != "one" || string(m.Detach()) != "onetwo" {
		t.Errorf("body %q, detached %q", m.Body(), m.Detach())
	}
	for range m.Frames() {
		break
	}
}

// release runs exactly once, when the last of message, clones and queues has let go, in whatever order.
func TestWrappedBodyIsReleasedOnce(t *testing.T) {
	for order := range 6 {
		released := 0
		m := Wrap([]byte("body"), func() { released++ })
		taken := m.Clone().Take()
		holders := []*Message{m, m.Clone(), &taken}
		if order&1 == 1 {
			holders[0], holders[1] = holders[1], holders[0]
		}
		if order&2 == 2 {
			holders[1], holders[2] = holders[2], holders[1]
		}
		if order == 4 {
			slices.Reverse(holders)
		}
		for i, h := range holders {
			if released != 0 || string(h.Bytes()) != "body" {
				t.Errorf("before holder %d let go: released %d times, body %q", i, released, h.Bytes())
			}
			h.Release()
			h.Release()
			if h.Len() != 0 {
				t.Error("a released message is not empty")
			}
		}
		if released != 1 {
			t.Errorf("released %d times", released)
		}
	}
	m := Wrap([]byte("unowned"), nil)
	if m.Owner() != nil || string(m.Bytes()) != "unowned" {
		t.Error("a body without a release has an owner")
	}
}

// Writing to a message changes no other one, nor memory that belongs to somebody else.
func TestWriteCopiesWhatIsShared(t *testing.T) {
	body := append(make([]byte, 0, 100), "shared"...)
	released := 0
	m := Wrap(body, func() { released++ })
	c := m.Clone()
	_, _ = c.Write([]byte(" and more"))
	if string(m.Bytes()) != "shared" || string(c.Bytes()) != "shared and more" || string(body[:cap(body)][6:9]) != "\x00\x00\x00" {
		t.Errorf("after a write to a clone: %q, %q", m.Bytes(), c.Bytes())
	}
	_, _ = m.Write([]byte("!"))
	if released != 1 {
		t.Errorf("nobody needs the wrapped body any longer: released %d times", released)
	}

	own := New(100)
	_, _ = own.Write([]byte("a"))
	first := &own.Bytes()[0]
	_, _ = own.Write([]byte("b"))
	if &own.Bytes()[0] != first {
		t.Error("a message of one's own is copied at a write")
	}
	second := own.Clone()
	_, _ = own.Write([]byte("c"))
	_, _ = second.Write([]byte("d"))
	if string(own.Bytes()) != "abc" || string(second.Bytes()) != "abd" {
		t.Errorf("two clones that were written to: %q and %q", own.Bytes(), second.Bytes())
	}
}

func TestClonesOfFramesAndHeaders(t *testing.T) {
	m := OfParts([]byte("head"), []byte("body"))
	m.AppendFrame([]byte("2"))
	c := m.Clone()
	c.AppendFrame([]byte("3c"))
	m.AppendFrame([]byte("3m"))
	c.SetHeader([]byte("other"))
	if got := frames(&m); !slices.Equal(got, []string{"body", "2", "3m"}) || string(m.Header()) != "head" {
		t.Errorf("the message: %q with the header %q", got, m.Header())
	}
	if got := frames(c); !slices.Equal(got, []string{"body", "2", "3c"}) || string(c.Header()) != "other" {
		t.Errorf("the clone: %q with the header %q", got, c.Header())
	}
}

func TestHeaders(t *testing.T) {
	o := &Origin{}
	m := Received([]byte("HEADbody"), 4, o)
	if string(m.Header()) != "HEAD" || string(m.Body()) != "body" || m.Len() != 4 || m.Origin() != o {
		t.Errorf("header %q, body %q", m.Header(), m.Body())
	}
	if h := m.Header(); cap(h) != 4 {
		t.Error("an append to the header would overwrite the body")
	}
	_, _ = m.Write([]byte("+"))
	if string(m.Header()) != "HEAD" || string(m.Body()) != "body+" {
		t.Errorf("after a write: header %q, body %q", m.Header(), m.Body())
	}
	m.SetHeader([]byte{})
	if len(m.Header()) != 0 {
		t.Errorf("an empty header that was set is %q", m.Header())
	}
	m.SetHeader([]byte("set"))
	m.AppendFrame([]byte("2"))
	bare := m.Bare()
	if len(bare.Header()) != 0 || bare.Origin() != nil || string(bare.Bytes()) != "body+2" || m.Len() != 0 {
		t.Errorf("bare: header %q, body %q; %d bytes left", bare.Header(), bare.Bytes(), m.Len())
	}
}

// What a message was taken out of is empty and can be filled again without harm to what was taken.
func TestTake(t *testing.T) {
	m := New(100)
	_, _ = m.Write([]byte("first"))
	taken := m.Take()
	_, _ = m.Write([]byte("other"))
	_, _ = taken.Write([]byte("!"))
	if string(taken.Bytes()) != "first!" || string(m.Bytes()) != "other" {
		t.Errorf("taken %q, left %q", taken.Bytes(), m.Bytes())
	}
}

func TestDetachSharesNothing(t *testing.T) {
	body := []byte("body")
	m := Wrap(body, nil)
	d := m.Detach()
	clear(body)
	if string(d) != "body" {
		t.Errorf("the detached copy changed to %q", d)
	}
}

func TestBatch(t *testing.T) {
	o := &Origin{}
	chunk := buf.NewChunk(100)
	chunk.From = o
	copy(chunk.Data, "HEADbodymore")
	b := Batch{Msgs: make([]Message, 0, 2), Chunk: chunk}
	b.Add(chunk.Data[:8:8], 4)
	if b.Full() {
		t.Error("a batch with room is full")
	}
	b.Add(chunk.Data[8:12:12], 0)
	if !b.Full() {
		t.Error("a full batch is not")
	}
	chunk.Retain(len(b.Msgs))
	if m := &b.Msgs[0]; string(m.Header()) != "HEAD" || string(m.Body()) != "body" || m.Origin() != o || m.Owner() != chunk {
		t.Errorf("message %q %q", m.Header(), m.Body())
	}
	_, _ = b.Msgs[0].Write([]byte("!"))
	if !bytes.HasPrefix(chunk.Data, []byte("HEADbodymore")) {
		t.Error("a write to a received message reached the chunk")
	}
	if chunk.Unshared() {
		t.Error("the second message does not hold the chunk")
	}
	ReleaseAll(b.Msgs)
	if !chunk.Unshared() {
		t.Error("the chunk is held by nobody but says so")
	}
}

// Frames of a received message lie in its chunk, which must stay while any of them does.
func TestWritingToAReceivedMessageOfSeveralFrames(t *testing.T) {
	data := []byte("onetwo")
	freed := false
	chunk := buf.Wrap(data, func() { freed = true })
	b := Batch{Msgs: make([]Message, 0, 2), Chunk: chunk}
	b.AddFrames([]byte("head"), [][]byte{data[:3], data[3:]})
	b.AddFrames(nil, [][]byte{data[:3]})
	chunk.Retain(len(b.Msgs))
	chunk.Release(1)
	m := &b.Msgs[0]
	_, _ = m.Write([]byte("!"))
	b.Msgs[1].Release()
	if got := frames(m); freed || !slices.Equal(got, []string{"one!", "two"}) || string(m.Header()) != "head" {
		t.Errorf("got %q with header %q, memory freed: %v", got, m.Header(), freed)
	}
	if m.Release(); !freed {
		t.Error("the memory is kept")
	}
}

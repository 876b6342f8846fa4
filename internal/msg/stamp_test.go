// SPDX-License-Identifier: MIT

package msg

import (
	"testing"

	"github.com/sprymq/spry/internal/buf"
)

// stay keeps messages on the heap, as those that applications get are: a stack moves.
var stay []*Message

// A copy by value has no reference: whatever is done with it, the original and its neighbours keep theirs.
func TestCopiesByValueHaveNoReference(t *testing.T) {
	data := []byte("headbodyneighbour")
	for _, use := range []struct {
		name string
		f    func(m *Message)
	}{
		{"release", (*Message).GiveBack},
		{"release at once", func(m *Message) { m.GiveBack() }},
		{"release twice", func(m *Message) { m.GiveBack(); m.GiveBack() }},
		{"take", func(m *Message) { taken := m.Take(); taken.Release() }},
		{"write", func(m *Message) { _, _ = m.Write([]byte("more")) }},
		{"batch", func(m *Message) { ReleaseEach([]*Message{m, nil, m}) }},
		{"clone", func(m *Message) { m.Clone().Release(); m.Release() }},
	} {
		freed := 0
		chunk := buf.Wrap(data, func() { freed++ })
		chunk.Retain(2)
		first, second := new(Message), new(Message)
		first.Share(chunk, 0, 8, 4)
		second.Share(chunk, 8, len(data), 0)
		first.Stamp()
		second.Stamp()
		c := new(Message)
		*c = *first
		stay = []*Message{first, second, c}
		before := buf.Excess()
		(&[]Message{*first}[0]).GiveBack()
		given := Given(c)
		if string(given.Header()) != "head" || string(given.Body()) != "body" {
			t.Errorf("%s: the copy has header %q and body %q", use.name, given.Header(), given.Body())
		}
		use.f(given)
		if string(Given(first).Body()) != "body" || string(Given(second).Body()) != "neighbour" {
			t.Errorf("%s: the originals became %q and %q", use.name, first.Body(), second.Body())
		}
		first.Release()
		second.Release()
		if freed != 0 || !chunk.Unshared() {
			t.Errorf("%s: a reference is missing, or one is left", use.name)
		}
		chunk.Release(1)
		if n := buf.Excess() - before; n != 0 || freed != 1 {
			t.Errorf("%s: %d releases too many, freed %d times", use.name, n, freed)
		}
	}
}

// A copy whose original was released or written to since may have other contents, and does nothing else.
func TestCopiesOutliveTheirOriginal(t *testing.T) {
	m := New(10).Stamp()
	_, _ = m.Write([]byte("body"))
	m.SetHeader([]byte("head"))
	c := new(Message)
	*c = *m
	m.Release()
	_, _ = m.Write([]byte("other"))
	given := Given(c)
	_ = given.Header()
	_ = given.Bytes()
	_, _ = given.Write([]byte("x"))
	given.Release()
	if string(m.Body()) != "other" {
		t.Errorf("writing to a copy changed its original to %q", m.Body())
	}
	if Given(nil).Len() != 0 || (*Message)(nil).Stamp() != nil {
		t.Error("nil is not the empty message")
	}
}

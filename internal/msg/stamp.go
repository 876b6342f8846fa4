// SPDX-License-Identifier: MIT

package msg

import (
	"bytes"
	"slices"
	"unsafe"
)

// Applications copy messages by value, although they must not. Copy and original then share one reference and one extension.
// Releasing both would release a reference of another message, whose memory would then be overwritten while it is in use. So
// a message that the application gets is stamped with its address. A message that the application returns is checked: at
// another address, it is a copy.

// Stamp marks a message that the application gets as the one at this address. It returns m, which may be nil.
func (m *Message) Stamp() *Message {
	if m != nil {
		m.tag = m.address()
	}
	return m
}

// StampAll is Stamp for each of ms.
func StampAll(ms []*Message) {
	for _, m := range ms {
		m.Stamp()
	}
}

// Given returns the message that the application passes: an empty one if m is nil. A copy by value first gets its own
// contents.
func Given(m *Message) *Message {
	if m == nil || m.tag != m.address() {
		return ownCopy(m)
	}
	return m
}

// ownCopy is apart from Given so that the compiler inlines that.
func ownCopy(m *Message) *Message {
	switch {
	case m == nil:
		return new(Message)
	case m.copied():
		m.disown()
	}
	return m
}

// dropCopy empties a copy by value that the application does not need. Its contents may belong to another message by now,
// and are not read.
func (m *Message) dropCopy() {
	if m.copied() {
		*m = Message{tag: m.address()}
	}
}

// GiveBack is Release by the application itself, of a message that may be nil or a copy by value.
func (m *Message) GiveBack() {
	if m == nil {
		return
	}
	m.dropCopy()
	owner := m.Owner()
	m.clear()
	if owner != nil {
		owner.ReleaseHere(1)
	}
}

// copied reports whether the message is a copy by value that must not act as the original.
func (m *Message) copied() bool { return m.tag != 0 && m.tag != m.address() && m.exclusive() }

// exclusive reports whether the message owns something that two messages cannot share. Data that is neither written nor
// counted may be shared.
func (m *Message) exclusive() bool {
	return m.held || m.ext != nil && (!m.ext.sealed || m.ext.more != nil)
}

// GivenAll is Given for each of ms. The slice is the same, unless there is a nil in it.
func GivenAll(ms []*Message) []*Message {
	for i, m := range ms {
		switch {
		case m == nil:
			ms = slices.Clone(ms)
			ms[i] = new(Message)
		case m.tag != m.address():
			ownCopy(m)
		}
	}
	return ms
}

// address fits into 32 bits, because messages are aligned. A copy at a multiple of 32 GiB from its original would be taken
// for it.
func (m *Message) address() uint32 { return uint32(uintptr(unsafe.Pointer(m))>>3) | 1 }

// disown gives a copy contents of its own. The reference is the original's.
func (m *Message) disown() {
	e := &extension{data: bytes.Clone(m.data()), origin: m.Origin(), sealed: true}
	if x := m.ext; x != nil && x.more != nil {
		more := &parts{header: bytes.Clone(x.more.header)}
		for _, f := range x.more.frames {
			more.frames = append(more.frames, bytes.Clone(f))
		}
		e.more = more
	}
	head := m.head
	if int(head) > len(e.data) { // the original was emptied
		head = 0
	}
	*m = Message{ext: e, head: head, came: e.origin != nil, tag: m.address()}
}

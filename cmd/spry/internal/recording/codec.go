// SPDX-License-Identifier: MIT

package recording

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"time"
)

// magic begins a segment.
const magic = "SPRYREC1"

// The kinds of records, the first byte of each.
const (
	kindMessage = 1
	kindIndex   = 2
	kindEnd     = 3
)

const (
	frameLen = 8            // of a record's length and checksum
	endLen   = 1 + 1 + 8    // of the last record
	entryLen = 8 + 8 + 8    // of an entry of the index
	minLen   = endLen       // of any record
	headMax  = 64 << 10     // of a segment's head
	indexMax = 2 * maxMarks // entries of an index
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A head says what a segment is.
type head struct {
	First   uint64    `json:"first"`             // number of its first message
	Created time.Time `json:"created"`           // not after its first message
	Pattern string    `json:"pattern,omitempty"` // of the socket that received
}

// appendFramed appends what fill appends, with its length and checksum before it.
func appendFramed(dst []byte, fill func([]byte) []byte) []byte {
	at := len(dst)
	dst = fill(append(dst, make([]byte, frameLen)...))
	payload := dst[at+frameLen:]
	binary.BigEndian.PutUint32(dst[at:], uint32(len(payload)))
	binary.BigEndian.PutUint32(dst[at+4:], crc32.Checksum(payload, castagnoli))
	return dst
}

// newHead is the beginning of a segment.
func newHead(h head) []byte {
	text, err := json.Marshal(h)
	if err != nil { // of a year that JSON has no form for
		text = []byte("{}")
	}
	return appendFramed([]byte(magic), func(dst []byte) []byte { return append(dst, text...) })
}

func parseHead(payload []byte) (h head, err error) {
	if err := json.Unmarshal(payload, &h); err != nil || h.First == 0 {
		return h, errors.New("its head does not say the number of the first message")
	}
	return h, nil
}

// appendMessage appends the record of a message.
func appendMessage(dst []byte, m *Message) []byte {
	return appendFramed(dst, func(dst []byte) []byte {
		dst = append(dst, kindMessage)
		dst = binary.BigEndian.AppendUint64(dst, uint64(m.Time.UnixNano()))
		dst = binary.AppendUvarint(dst, m.Pipe)
		for _, text := range []string{m.Peer, m.User, m.Topic, string(m.Header)} {
			dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
		}
		dst = binary.AppendUvarint(dst, uint64(len(m.Frames)))
		for _, f := range m.Frames {
			dst = append(binary.AppendUvarint(dst, uint64(len(f))), f...)
		}
		return dst
	})
}

// fixedLen is more than a record has beside its texts and frames, and lenMax than the length of one of them.
const (
	fixedLen = 128
	lenMax   = binary.MaxVarintLen32
)

// fits fails if a message has no room in a record.
func fits(m *Message) error {
	if len(m.Frames) > MaxFrames {
		return ErrTooManyFrames
	}
	n := fixedLen + len(m.Peer) + len(m.User) + len(m.Topic) + len(m.Header)
	for _, f := range m.Frames {
		n += len(f) + lenMax
	}
	if n > MaxRecord {
		return ErrTooLarge
	}
	return nil
}

var errRecord = errors.New("its parts are longer than the record")

// parseMessage is the message of a record, whose frames are parts of payload.
func parseMessage(payload []byte) (m Message, err error) {
	p := parser{rest: payload[1:]}
	m.Time = time.Unix(0, int64(p.uint64()))
	m.Pipe = p.uvarint()
	m.Peer, m.User, m.Topic = string(p.bytes()), string(p.bytes()), string(p.bytes())
	if h := p.bytes(); len(h) > 0 {
		m.Header = h
	}
	n := p.uvarint()
	if n > MaxFrames {
		return m, ErrTooManyFrames
	}
	if n == 0 || n > uint64(len(p.rest)) { // each frame has a byte for its length
		return m, errRecord
	}
	m.Frames = make([][]byte, 0, min(n, 1<<10))
	for range n {
		m.Frames = append(m.Frames, p.bytes())
	}
	if p.bad || len(p.rest) > 0 {
		return m, errRecord
	}
	return m, nil
}

// A parser takes the parts of a record. Once one is missing, all are empty.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) fail() { p.rest, p.bad = nil, true }

func (p *parser) uint64() (n uint64) {
	if len(p.rest) < 8 {
		p.fail()
		return 0
	}
	n, p.rest = binary.BigEndian.Uint64(p.rest), p.rest[8:]
	return n
}

func (p *parser) uvarint() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 {
		p.fail()
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *parser) bytes() (b []byte) {
	n := p.uvarint()
	if n > uint64(len(p.rest)) {
		p.fail()
		return nil
	}
	b, p.rest = p.rest[:n:n], p.rest[n:]
	return b
}

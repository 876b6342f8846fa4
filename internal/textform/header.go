// SPDX-License-Identifier: MIT

package textform

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
)

const (
	wordLen = 4
	endBit  = 1 << 31 // in the word of a backtrace that has the id
)

// An Envelope is the kind of routing header that a protocol has.
type Envelope = wire.Envelope

// HeaderLen is the length of the routing headers that Append makes of an empty Header.
func HeaderLen(e Envelope) int {
	if e == wire.EnvelopeNone {
		return 0
	}
	return wordLen
}

// A Header is a routing header as the fields of an object.
type Header struct {
	ID   *uint32  `json:"id,omitempty"`   // of a request or survey, below 2^31
	Via  []uint32 `json:"via,omitempty"`  // the hops that it came over, each below 2^31
	Hops uint8    `json:"hops,omitempty"` // how many, in messages of PAIR 1 that came over several
}

// EnvelopeOf is the kind of routing header that a protocol has.
func EnvelopeOf(protocol uint16) Envelope {
	p, _ := sp.Lookup(protocol)
	return p.Envelope
}

// Asks reports whether sockets of a protocol send requests or surveys, and need the id of each answer.
func Asks(protocol uint16) bool { return protocol == sp.Req || protocol == sp.Surveyor }

// Append appends the header as bytes. Without an ID, it has id.
func (h *Header) Append(dst []byte, e Envelope, id uint32) ([]byte, error) {
	switch e {
	case wire.EnvelopeHops:
		return binary.BigEndian.AppendUint32(dst, uint32(max(h.Hops, 1))), nil
	case wire.EnvelopeBacktrace:
		if h.ID != nil {
			id = *h.ID
		}
		for _, hop := range append(h.Via, id) {
			if hop >= endBit {
				return dst, errors.New(`"id" and the numbers of "via" are below 2147483648`)
			}
			dst = binary.BigEndian.AppendUint32(dst, hop)
		}
		dst[len(dst)-wordLen] |= endBit >> 24
	}
	return dst, nil
}

// parse is the header of these bytes.
func parse(e Envelope, header []byte) (h Header) {
	if len(header) < wordLen { // of a raw socket
		return h
	}
	switch e {
	case wire.EnvelopeHops:
		if hops := header[len(header)-1]; hops > 1 {
			h.Hops = hops
		}
	case wire.EnvelopeBacktrace:
		for ; len(header) > wordLen; header = header[wordLen:] {
			h.Via = append(h.Via, binary.BigEndian.Uint32(header))
		}
		id := binary.BigEndian.Uint32(header) &^ endBit
		h.ID = &id
	}
	return h
}

// AppendObject appends a message as an object. header is one of the kind e.
func AppendObject(dst []byte, e Envelope, header, body []byte) ([]byte, error) {
	text, err := json.Marshal(struct {
		Header
		Contents
	}{parse(e, header), ContentsOf(string(body))})
	return append(dst, text...), err
}

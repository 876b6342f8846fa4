// SPDX-License-Identifier: MIT

package recording

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"sort"
	"time"
)

// maxMarks bounds the index of a segment, however large that grows.
const maxMarks = 16 << 10

// markStep is the number of bytes between two marks of a small segment.
const markStep = 256 << 10

// A mark says where the record of a message is.
type mark struct {
	number uint64
	time   int64 // in nanoseconds since 1970
	offset int64
}

// An index has marks at even distances. Where they become too many, it forgets every second one.
type index struct {
	marks []mark
	step  int64
	next  int64 // offset from which on the next one is due
}

func (x *index) add(m mark) {
	if m.offset < x.next {
		return
	}
	if x.step == 0 {
		x.step = markStep
	}
	if len(x.marks) >= maxMarks {
		kept := x.marks[:0]
		for i := 0; i < len(x.marks); i += 2 {
			kept = append(kept, x.marks[i])
		}
		x.marks, x.step = kept, 2*x.step
	}
	x.marks, x.next = append(x.marks, m), m.offset+x.step
}

// appendEnd ends a segment whose length is offset: with the record of its index, and with the last one, which says where that is.
func (x *index) appendEnd(dst []byte, offset int64, more bool) []byte {
	dst = appendFramed(dst, func(dst []byte) []byte {
		dst = append(dst, kindIndex)
		for _, m := range x.marks {
			dst = binary.BigEndian.AppendUint64(dst, m.number)
			dst = binary.BigEndian.AppendUint64(dst, uint64(m.time))
			dst = binary.BigEndian.AppendUint64(dst, uint64(m.offset))
		}
		return append(dst, make([]byte, max(0, minLen-1-entryLen*len(x.marks)))...)
	})
	return appendFramed(dst, func(dst []byte) []byte {
		dst = append(dst, kindEnd, 0)
		if more {
			dst[len(dst)-1] = 1
		}
		return binary.BigEndian.AppendUint64(dst, uint64(offset))
	})
}

// errIndex says that an index is not that of its file.
var errIndex = errors.New("the index does not fit the file")

// readIndex reads the index of a segment of size bytes. A segment without an end has none.
func readIndex(r io.ReaderAt, size int64) (marks []mark, err error) {
	end := readRecord(r, size-frameLen-endLen, endLen)
	if len(end) != endLen || end[0] != kindEnd {
		return nil, nil
	}
	at := binary.BigEndian.Uint64(end[2:])
	if at >= uint64(size) {
		return nil, errIndex
	}
	payload := readRecord(r, int64(at), 1+indexMax*entryLen)
	if len(payload) == 0 || payload[0] != kindIndex {
		return nil, errIndex
	}
	last := mark{offset: int64(len(magic))}
	for rest := payload[1:]; len(rest) >= entryLen; rest = rest[entryLen:] {
		offset := binary.BigEndian.Uint64(rest[16:])
		if offset >= at {
			return nil, errIndex
		}
		m := mark{binary.BigEndian.Uint64(rest), int64(binary.BigEndian.Uint64(rest[8:])), int64(offset)}
		if m.number <= last.number || m.offset <= last.offset || m.time < last.time && last.number > 0 {
			return nil, errIndex
		}
		marks = append(marks, m)
		last = m
	}
	return marks, nil
}

// check fails if the mark's message is not where it says.
func (m mark) check(r io.ReaderAt, size int64) error {
	var start [frameLen + 1 + 8]byte
	if _, err := r.ReadAt(start[:], m.offset); err != nil {
		return errIndex
	}
	length, t := binary.BigEndian.Uint32(start[:]), binary.BigEndian.Uint64(start[frameLen+1:])
	if uint64(length) > uint64(size-m.offset) || start[frameLen] != kindMessage || int64(t) != m.time {
		return errIndex
	}
	return nil
}

// readRecord reads a record of at most limit bytes at a place; nil if there is none.
func readRecord(r io.ReaderAt, at int64, limit uint32) []byte {
	var frame [frameLen]byte
	if at < 0 {
		return nil
	}
	if _, err := r.ReadAt(frame[:], at); err != nil {
		return nil
	}
	length := binary.BigEndian.Uint32(frame[:])
	if length < minLen || length > limit {
		return nil
	}
	payload := make([]byte, length)
	if _, err := r.ReadAt(payload, at+frameLen); err != nil || crc32.Checksum(payload, castagnoli) != binary.BigEndian.Uint32(frame[4:]) {
		return nil
	}
	return payload
}

// before is the last mark from which a reader comes to a place.
func before(marks []mark, p Position) (m mark, found bool) {
	at := sort.Search(len(marks), func(i int) bool { return !p.after(marks[i].number, time.Unix(0, marks[i].time)) })
	if at == 0 {
		return mark{}, false
	}
	return marks[at-1], true
}

// A Position is a place in a recording: the message with a number, or else the first one of a time or later. The zero Position is the
// beginning.
type Position struct {
	Number uint64
	Time   time.Time
}

// IsZero reports whether p is the beginning.
func (p Position) IsZero() bool { return p == Position{} }

// after reports whether the place comes after a message.
func (p Position) after(number uint64, t time.Time) bool {
	return number < p.Number || t.Before(p.Time)
}

// SPDX-License-Identifier: MIT

// Package recording keeps received messages in files, and reads them again: all, a part, or on to the end of a recording that is still
// being written.
//
// A recording is a file or a stream of one segment, or a folder of segments, or a file or stream of lines of JSON. docs/wire/recording.md
// describes them, and docs/wire/vectors/recording.json has a segment in examples that the tests run.
package recording

import (
	"errors"
	"fmt"
	"time"
)

// A Message is one that was received.
type Message struct {
	Number uint64    // from 1 on, without gaps, in the order of receipt
	Time   time.Time // of receipt; it never decreases
	Pipe   uint64    // id of the connection
	Peer   string    // the peer's address
	User   string    // who the peer proved to be
	Topic  string    // for which it was received
	Header []byte    // the routing header of a raw socket, as on the wire
	Frames [][]byte  // at least one
}

// Size is the number of bytes of the frames.
func (m *Message) Size() (n int64) {
	for _, f := range m.Frames {
		n += int64(len(f))
	}
	return n
}

// MaxRecord is the largest record of a segment, and line of JSON, in bytes.
const MaxRecord = 1 << 30

// MaxFrames is the largest number of frames of a message. Each costs a reader more memory than it has bytes in a record.
const MaxFrames = 1 << 20

// ErrTooLarge and ErrTooManyFrames say that a message has no place in a recording.
var (
	ErrTooLarge      = errors.New("the message is larger than 1 GiB, which no record holds")
	ErrTooManyFrames = errors.New("the message has more than 1048576 frames, which no record holds")
)

// A DamageError says that a recording has no valid record at a place that is not its end.
type DamageError struct {
	Offset int64
	Why    string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("damaged at byte %d: %s; the messages from there on cannot be read", e.Offset, e.Why)
}

// SPDX-License-Identifier: MIT

package recording

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/wait"
)

// ReadOptions of [Open].
type ReadOptions struct {
	Follow bool // wait for more at the end of a recording that is still being written
}

// A Reader reads a recording. It is not safe for concurrent use.
type Reader struct {
	path     string // "" of a stream
	folder   bool
	regular  bool // a file that may be locked
	follow   bool
	seen     bool            // a writer, while following
	ctx      context.Context // of the call of Next
	file     *os.File        // nil of a stream, and between segments
	source   io.Reader
	in       *bufio.Reader
	ndjson   bool
	next     uint64 // number of the next message
	first    uint64 // of the open segment
	offset   int64  // of the next record
	over     bool   // the open segment grows no more
	final    bool   // its end says that there is no other
	entered  bool   // a segment was begun: another has to continue it
	missed   uint64
	cut      int64
	index    error // why the index was not used
	jsonLine []byte
}

// bufferLen is the number of bytes that one read gets.
const bufferLen = 64 << 10

// Open opens a file or a folder, or the stream in if path is "". A stream cannot be followed beyond its end.
func Open(path string, in io.Reader, o ReadOptions) (*Reader, error) {
	r := &Reader{path: path, follow: o.Follow && path != "", next: 1, ctx: context.Background()}
	if path == "" {
		return r, r.start(in)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	r.regular = info.Mode().IsRegular()
	if r.folder = info.IsDir(); r.folder {
		list, err := segments(path)
		switch {
		case err != nil:
			return nil, err
		case len(list) > 0:
			return r, r.enter(list[0])
		case !o.Follow:
			return nil, fmt.Errorf("%s: there is no recording in this folder", path)
		}
		return r, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r.file = f
	if err := r.start(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	if r.follow {
		r.seen = r.Written()
	}
	return r, nil
}

// start begins with a stream or a file. It reads nothing of a file yet that a writer may have just made.
func (r *Reader) start(in io.Reader) error {
	r.source, r.in, r.offset, r.over, r.final = in, nil, 0, false, false
	r.in = bufio.NewReaderSize(growing{r}, bufferLen)
	return nil
}

// enter opens a segment of the folder.
func (r *Reader) enter(s segment) error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	if r.file != nil {
		_ = r.file.Close()
	}
	r.file, r.first = f, s.first
	return r.start(f)
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Missed is the number of messages that were removed before they could be read, or that were never written.
func (r *Reader) Missed() uint64 { return r.missed }

// Cut is the number of bytes at ends that are no whole record: what a writer that was killed had not written to the end.
func (r *Reader) Cut() int64 { return r.cut }

// growing is the open segment as a stream. Where more may come, it waits.
type growing struct{ *Reader }

// The time between two looks at the end of a file.
const (
	firstLook = 2 * time.Millisecond
	lastLook  = 50 * time.Millisecond
)

func (g growing) Read(p []byte) (int, error) {
	for look := firstLook; ; look = min(2*look, lastLook) {
		n, err := g.source.Read(p)
		if n > 0 || err != io.EOF || !g.follow || g.over {
			return n, err
		}
		if g.superseded() {
			g.over = true // what was written to it in the meantime is read now
			continue
		}
		if g.left() {
			g.over, g.final = true, true
			continue
		}
		if err := wait.For(g.ctx, look); err != nil {
			return 0, err
		}
	}
}

// superseded reports whether there is a segment after the open one, which then gets no more.
func (r *Reader) superseded() bool {
	if !r.folder {
		return false
	}
	s, found, err := r.following()
	return err == nil && found && s.first > r.first
}

// following is the segment after the open one.
func (r *Reader) following() (s segment, found bool, err error) {
	list, err := segments(r.path)
	for _, s := range list {
		if s.first > r.first {
			return s, true, nil
		}
	}
	return s, false, err
}

// Next returns the next message, whose frames belong to the caller. At the end it returns [io.EOF], or, if it follows the recording,
// waits until there is more, the recording ends, or ctx does.
func (r *Reader) Next(ctx context.Context) (m Message, err error) {
	r.ctx = ctx
	for {
		if r.in == nil {
			if err := r.turn(); err != nil {
				return m, err
			}
		}
		m, err = r.message()
		if !errors.Is(err, io.EOF) {
			return m, err
		}
		r.over = true
		if !r.folder || r.in == nil {
			return m, io.EOF
		}
		if err := r.turn(); err != nil {
			return m, err
		}
	}
}

// turn enters the next segment. In a folder that a writer has left, there is none.
func (r *Reader) turn() error {
	gone := false // the writer, before the look for another segment
	for look := firstLook; ; look = min(2*look, lastLook) {
		s, found, err := r.following()
		if err == nil && found {
			err = r.enter(s)
			if errors.Is(err, os.ErrNotExist) {
				r.first = s.first // it was removed meanwhile
				continue
			}
			return err
		}
		if err != nil {
			return err
		}
		if !r.follow || r.final || gone {
			return io.EOF
		}
		if gone = r.left(); gone {
			continue
		}
		if err := wait.For(r.ctx, look); err != nil {
			return err
		}
	}
}

// message reads a message of the open segment; io.EOF is its end.
func (r *Reader) message() (m Message, err error) {
	if r.offset == 0 {
		if err := r.begin(); err != nil {
			return m, err
		}
	}
	if r.ndjson {
		return r.line()
	}
	for {
		payload, err := r.record()
		if err != nil {
			return m, err
		}
		switch payload[0] {
		case kindMessage:
			at := r.offset - int64(len(payload)) - frameLen
			if m, err = parseMessage(payload); err != nil {
				return m, &DamageError{at, err.Error()}
			}
			m.Number = r.next
			r.next++
			return m, nil
		case kindEnd:
			r.final = payload[1] == 0
			return m, io.EOF
		}
	}
}

// begin reads the head of a segment, or finds that the recording is lines of JSON.
func (r *Reader) begin() error {
	start, err := r.in.Peek(len(magic))
	if string(start) != magic {
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return err
		case len(start) == 0:
			return io.EOF
		case bytes.HasPrefix([]byte(magic), start):
			r.cut += int64(len(start))
			return io.EOF
		case bytes.IndexByte([]byte(" \t\r\n{[\""), start[0]) < 0:
			return &DamageError{0, "it is neither a segment nor JSON"}
		}
		r.ndjson = true
		return nil
	}
	_, _ = r.in.Discard(len(magic)) // which are buffered
	r.offset = int64(len(magic))
	payload, err := r.record()
	if err != nil {
		return err
	}
	h, err := parseHead(payload)
	if err != nil {
		return &DamageError{int64(len(magic)), err.Error()}
	}
	if r.first != 0 && h.First != r.first {
		return &DamageError{int64(len(magic)), fmt.Sprintf("its head says that it begins with message %d, its name says %d", h.First, r.first)}
	}
	switch {
	case !r.entered:
	case h.First > r.next:
		r.missed += h.First - r.next
	case h.First < r.next:
		return &DamageError{int64(len(magic)), fmt.Sprintf("it begins with message %d, and the segment before it ended with %d", h.First, r.next-1)}
	}
	r.next, r.entered = h.First, true
	return nil
}

// record reads the payload of a record. What is not whole at the end of a segment is counted, and then that is its end.
func (r *Reader) record() ([]byte, error) {
	var frame [frameLen]byte
	n, err := io.ReadFull(r.in, frame[:])
	if err != nil {
		return nil, r.ended(err, int64(n))
	}
	length := binary.BigEndian.Uint32(frame[:])
	if length == 0 { // a file system lost the data of a write, or there was none
		return nil, r.zeros(frame[:])
	}
	if length < 2 || length > MaxRecord {
		return nil, &DamageError{r.offset, "there is no record of such a length"}
	}
	payload, err := r.take(int(length))
	if err != nil {
		return nil, r.ended(err, frameLen+int64(len(payload)))
	}
	if crc32.Checksum(payload, castagnoli) != binary.BigEndian.Uint32(frame[4:]) {
		if r.last() { // the file system kept a part of it only
			return nil, r.ended(io.EOF, frameLen+int64(length))
		}
		return nil, &DamageError{r.offset, "the checksum of a record is wrong"}
	}
	r.offset += frameLen + int64(length)
	return payload, nil
}

// last reports whether nothing comes any more.
func (r *Reader) last() bool {
	if r.follow && !r.over {
		return false
	}
	_, err := r.in.Peek(1)
	return err == io.EOF
}

// take reads n bytes. Memory grows with what has arrived, whatever a length says.
func (r *Reader) take(n int) (payload []byte, err error) {
	payload = make([]byte, min(n, bufferLen))
	have := 0
	for {
		got, err := io.ReadFull(r.in, payload[have:])
		have += got
		if err != nil || have == n {
			return payload[:have], err
		}
		payload = slices.Grow(payload, min(n-have, have))[:min(n, 2*have)]
	}
}

// ended is the end of a segment with an incomplete record.
func (r *Reader) ended(err error, part int64) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.cut += part
		return io.EOF
	}
	return err
}

// zeros are the end of a segment if nothing else comes.
func (r *Reader) zeros(frame []byte) error {
	n := int64(0)
	for ; ; n++ {
		var c byte
		if n < int64(len(frame)) {
			c = frame[n]
		} else if next, err := r.in.ReadByte(); err != nil {
			return r.ended(err, n)
		} else {
			c = next
		}
		if c != 0 {
			return &DamageError{r.offset, "there is no record of such a length"}
		}
	}
}

// line reads a line of JSON.
func (r *Reader) line() (m Message, err error) {
	for {
		r.jsonLine = r.jsonLine[:0]
		for {
			part, err := r.in.ReadSlice('\n')
			r.jsonLine = append(r.jsonLine, part...)
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return m, r.lastLine(err, &m)
			}
			if len(r.jsonLine) > MaxRecord {
				return m, &DamageError{r.offset, "there is no line of such a length"}
			}
		}
		at := r.offset
		r.offset += int64(len(r.jsonLine))
		if len(bytes.TrimSpace(r.jsonLine)) == 0 {
			continue
		}
		if m, err = parseJSON(r.jsonLine); err != nil {
			return m, &DamageError{at, err.Error()}
		}
		r.number(&m)
		return m, nil
	}
}

// lastLine reads a line that nothing ends.
func (r *Reader) lastLine(err error, m *Message) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	n := int64(len(r.jsonLine))
	r.offset += n
	if len(bytes.TrimSpace(r.jsonLine)) == 0 {
		return io.EOF
	}
	parsed, parseErr := parseJSON(r.jsonLine)
	if parseErr != nil {
		return r.ended(io.EOF, n)
	}
	*m = parsed
	r.number(m)
	return nil
}

// number gives a message of JSON its number, which people may have left out.
func (r *Reader) number(m *Message) {
	if m.Number < r.next {
		m.Number = r.next
	}
	r.missed += m.Number - r.next
	r.next = m.Number + 1
}

// Ready reports whether Next has a message without reading, so without waiting.
func (r *Reader) Ready() bool {
	if r.in == nil || r.offset == 0 {
		return false
	}
	have := r.in.Buffered()
	if r.ndjson {
		part, _ := r.in.Peek(have)
		return bytes.IndexByte(part, '\n') >= 0
	}
	if have < frameLen+1 {
		return false
	}
	start, _ := r.in.Peek(frameLen + 1)
	return start[frameLen] == kindMessage && int64(have) >= frameLen+int64(binary.BigEndian.Uint32(start))
}

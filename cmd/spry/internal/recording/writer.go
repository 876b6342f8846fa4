// SPDX-License-Identifier: MIT

package recording

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Options of [Create].
type Options struct {
	Path    string    // of the file, or of the folder; "" is Out
	Out     io.Writer // where the recording goes if it has no path
	NDJSON  bool      // write lines of JSON instead of a segment
	Pattern string    // of the socket, for the heads of segments

	// Folder makes the recording a folder of segments. A recording that is there already is continued. Only such a recording has limits.
	Folder       bool
	SegmentBytes int64         // from which on a segment is ended; 0 is 64 MiB, or an eighth of MaxBytes if that is less
	MaxBytes     int64         // of all segments, above which the oldest are removed; 0 is no limit
	MaxAge       time.Duration // of a segment's last message, above which it is removed; 0 is no limit

	Removed func(Removal) // gets each removed segment, if not nil
}

// A Removal is a segment that was removed because of a limit.
type Removal struct {
	File     string
	Messages uint64
	Bytes    int64
	Why      string // "max-size" or "max-age"
	Err      error  // why it could not be removed, and stays
}

// Figures say what a Writer has written.
type Figures struct {
	Messages        uint64 `json:"messages"`
	Bytes           int64  `json:"bytes"` // of the messages' frames
	Segments        uint64 `json:"segments"`
	Written         int64  `json:"written_bytes"`
	RemovedSegments uint64 `json:"removed_segments"`
	RemovedMessages uint64 `json:"removed_messages"`
	RemovedBytes    int64  `json:"removed_bytes"`
}

// The years whose times a record can have.
const (
	minYear = 1678
	maxYear = 2261
)

const (
	defaultSegment = 64 << 20
	minSegment     = 4 << 10
)

// A Writer writes a recording. It is not safe for concurrent use.
type Writer struct {
	o       Options
	out     io.Writer
	file    *os.File // that out is; nil of a stream
	regular bool     // a broken write can be taken back
	made    bool     // the file is new
	lock    *os.File // of the folder
	lent    *os.File // Out, which is locked
	buf     []byte
	next    uint64
	last    time.Time
	offset  int64 // in the open segment
	first   uint64
	began   time.Time // when the open segment did
	index   index
	past    []segment
	figures Figures
	err     error
}

// Create begins a recording. A file that is there already is an error.
func Create(o Options) (*Writer, error) {
	w := &Writer{o: o, out: o.Out, next: 1}
	if o.SegmentBytes == 0 {
		w.o.SegmentBytes = defaultSegment
		if o.MaxBytes > 0 {
			w.o.SegmentBytes = min(defaultSegment, max(o.MaxBytes/8, minSegment))
		}
	}
	if err := w.create(); err != nil {
		_ = w.Discard() // what was begun
		return nil, err
	}
	return w, nil
}

func (w *Writer) create() error {
	switch {
	case w.o.Folder:
		return w.enter()
	case w.o.Path == "":
		f, is := w.o.Out.(*os.File)
		if info, err := f.Stat(); is && err == nil && info.Mode().IsRegular() {
			if err := lock(f); err != nil {
				return err
			}
			w.lent = f
		}
		return w.begin(time.Now())
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if info, err := os.Stat(w.o.Path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		flags = os.O_WRONLY // a device or a named pipe
	}
	if err := w.open(w.o.Path, flags); err != nil {
		return err
	}
	if w.regular { // before anything is in it, so that readers do not take it for one whose writer has gone
		if err := lock(w.file); err != nil {
			return fmt.Errorf("%s: %w", w.o.Path, err)
		}
	}
	return w.begin(time.Now())
}

func (w *Writer) open(path string, flags int) error {
	f, err := os.OpenFile(path, flags, 0o600) // messages may be secret
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already; name another file, or remove it", path)
		}
		return err
	}
	info, err := f.Stat()
	w.out, w.file, w.regular, w.made = f, f, err == nil && info.Mode().IsRegular(), flags&os.O_EXCL != 0
	return nil
}

// enter opens a folder, and finds the segments that it has.
func (w *Writer) enter() error {
	if err := os.MkdirAll(w.o.Path, 0o700); err != nil {
		return err
	}
	var err error
	if w.lock, err = lockFolder(w.o.Path); err != nil {
		return err
	}
	if w.past, err = segments(w.o.Path); err != nil || len(w.past) == 0 {
		return err
	}
	last := &w.past[len(w.past)-1]
	n, at, err := survey(last.path)
	if err != nil {
		return err
	}
	w.next, w.last = last.first+n, at
	for i := range w.past {
		s := &w.past[i]
		if s.messages = w.next - s.first; i+1 < len(w.past) {
			s.messages = w.past[i+1].first - s.first
		}
		info, err := os.Stat(s.path)
		if err != nil {
			return err
		}
		s.bytes, s.last = info.Size(), info.ModTime()
	}
	if n == 0 { // nothing but a head, or a part of one: a file of the same name takes its place
		w.past = w.past[:len(w.past)-1]
		return os.Remove(last.path)
	}
	return nil
}

// begin begins a segment.
func (w *Writer) begin(now time.Time) error {
	w.offset, w.first, w.began, w.index = 0, w.next, now, index{}
	w.figures.Segments++
	if w.o.NDJSON {
		return nil
	}
	return w.write(newHead(head{First: w.next, Created: now.UTC().Round(0), Pattern: w.o.Pattern}))
}

// write writes whole records, or nothing where that can be taken back.
func (w *Writer) write(p []byte) error {
	n, err := w.out.Write(p)
	if err != nil {
		if n > 0 && w.regular {
			_ = w.file.Truncate(w.offset) // readers tolerate the rest of a record too
		}
		w.err = err
		return err
	}
	w.offset += int64(n)
	w.figures.Written += int64(n)
	return nil
}

// Append writes messages, and sets their numbers. After an error none of them counts as written, and nothing more can be written.
func (w *Writer) Append(ms ...Message) error {
	if w.err != nil {
		return w.err
	}
	for len(ms) > 0 {
		n, err := w.some(ms)
		if err != nil {
			return err
		}
		ms = ms[n:]
	}
	return nil
}

// some writes the first of ms, as many as the open segment has room for.
func (w *Writer) some(ms []Message) (n int, err error) {
	if w.o.Folder {
		if err := w.turn(ms[0].Time); err != nil {
			return 0, err
		}
	}
	w.buf = w.buf[:0]
	size := int64(0)
	for n < len(ms) && (n == 0 || len(w.buf) < writtenAtOnce && !(w.o.Folder && w.offset+int64(len(w.buf)) >= w.o.SegmentBytes)) {
		m := &ms[n]
		if err := fits(m); err != nil {
			return 0, err
		}
		m.Number = w.next + uint64(n)
		if y := m.Time.Year(); y < minYear || y > maxYear {
			m.Time = time.Unix(0, 0)
		}
		if m.Time.Before(w.last) {
			m.Time = w.last
		}
		w.last = m.Time
		if w.o.NDJSON {
			if w.buf, err = appendJSON(w.buf, m); err != nil {
				return 0, err
			}
		} else {
			w.index.add(mark{m.Number, m.Time.UnixNano(), w.offset + int64(len(w.buf))})
			w.buf = appendMessage(w.buf, m)
		}
		size += m.Size()
		n++
	}
	if err := w.write(w.buf); err != nil {
		return 0, err
	}
	if cap(w.buf) > 4*writtenAtOnce {
		w.buf = nil
	}
	w.next += uint64(n)
	w.figures.Messages += uint64(n)
	w.figures.Bytes += size
	return n, nil
}

// writtenAtOnce is the number of bytes that one call of Write gets, if messages are small.
const writtenAtOnce = 256 << 10

// turn makes the open segment one that has room.
func (w *Writer) turn(now time.Time) error {
	full := w.offset >= w.o.SegmentBytes || w.o.MaxAge > 0 && now.Sub(w.began) > w.o.MaxAge/8
	if w.file != nil && (!full || w.next == w.first) {
		return nil
	}
	if err := w.finish(true); err != nil {
		return err
	}
	if err := w.open(filepath.Join(w.o.Path, segmentName(w.next)), os.O_WRONLY|os.O_CREATE|os.O_EXCL); err != nil {
		w.err = err
		return err
	}
	if err := w.begin(now); err != nil {
		return err
	}
	w.retain(now)
	return nil
}

// Tick removes segments that are too old now.
func (w *Writer) Tick(now time.Time) {
	if w.o.Folder {
		w.retain(now)
	}
}

// retain removes the oldest segments while they exceed the limits, but never the one that is being written.
func (w *Writer) retain(now time.Time) {
	total := w.offset
	for _, s := range w.past {
		total += s.bytes
	}
	for len(w.past) > 0 {
		s := w.past[0]
		r := Removal{File: s.path, Messages: s.messages, Bytes: s.bytes}
		switch {
		case w.o.MaxBytes > 0 && total > w.o.MaxBytes:
			r.Why = "max-size"
		case w.o.MaxAge > 0 && now.Sub(s.last) > w.o.MaxAge:
			r.Why = "max-age"
		default:
			return
		}
		if r.Err = os.Remove(s.path); errors.Is(r.Err, fs.ErrNotExist) {
			r.Err = nil
		}
		total -= s.bytes
		w.past = w.past[1:]
		if r.Err == nil {
			w.figures.RemovedSegments++
			w.figures.RemovedMessages += s.messages
			w.figures.RemovedBytes += s.bytes
		}
		if w.o.Removed != nil {
			w.o.Removed(r)
		}
	}
}

// finish ends the open segment, if there is one.
func (w *Writer) finish(more bool) error {
	if w.out == nil || w.o.Folder && w.file == nil {
		return nil
	}
	var err error
	switch {
	case w.o.NDJSON:
	case w.err == nil:
		err = w.write(w.index.appendEnd(nil, w.offset, more))
	case w.regular: // readers that follow wait for an end, for which there may be room where the messages had none
		if _, err := w.file.Seek(w.offset, io.SeekStart); err == nil {
			_ = w.write(w.index.appendEnd(nil, w.offset, false))
		}
	}
	if w.file == nil {
		w.out = nil
		return err
	}
	if w.regular {
		err = errors.Join(err, w.file.Sync())
	}
	err = errors.Join(err, w.file.Close())
	w.past = append(w.past, segment{path: w.file.Name(), first: w.first, messages: w.next - w.first, bytes: w.offset, last: w.last})
	w.out, w.file = nil, nil
	if err != nil && w.err == nil {
		w.err = err
	}
	return err
}

// Close ends the recording. After an error of Append it writes nothing more.
func (w *Writer) Close() error {
	defer w.release()
	return w.finish(false)
}

// Discard is Close after a failure. It removes the file that was begun or, of a folder, the open segment, with all that is in it.
func (w *Writer) Discard() error {
	defer w.release()
	f := w.file
	w.out, w.file = nil, nil
	if f == nil {
		return nil
	}
	err := f.Close()
	if w.made {
		err = os.Remove(f.Name())
	}
	return err
}

// release gives the locks back that closing a file does not.
func (w *Writer) release() {
	if w.lock != nil {
		_ = w.lock.Close()
	}
	if w.lent != nil {
		unlock(w.lent)
	}
	w.lock, w.lent = nil, nil
}

// Figures are what was written so far.
func (w *Writer) Figures() Figures { return w.figures }

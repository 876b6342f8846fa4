// SPDX-License-Identifier: MIT

package recording

import (
	"io"
	"os"
	"time"
)

// Seek goes to a place at or before p, before the first call of Next, by the names of segments and the index. Messages before p may come still.
// It does nothing to a stream.
func (r *Reader) Seek(p Position) error {
	if r.file == nil || p.IsZero() {
		return nil
	}
	if r.folder {
		list, err := segments(r.path)
		if err != nil || len(list) == 0 {
			return err
		}
		at := list[0]
		for _, s := range list[1:] {
			if s.first > p.Number && p.Time.IsZero() || !p.Time.IsZero() && !created(s.path).Before(p.Time) {
				break
			}
			at = s
		}
		if at.first != r.first {
			if err := r.enter(at); err != nil {
				return err
			}
		}
	}
	info, err := r.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	marks, err := readIndex(r.file, info.Size())
	m, found := before(marks, p)
	if found {
		err = m.check(r.file, info.Size())
	}
	if r.index = err; err != nil || !found {
		return nil
	}
	if _, err := r.file.Seek(m.offset, io.SeekStart); err != nil {
		return err
	}
	r.in.Reset(growing{r})
	r.offset, r.next, r.entered = m.offset, m.number, true
	return nil
}

// created is when a segment was begun; the zero time if that cannot be read.
func created(path string) time.Time {
	f, err := os.Open(path)
	if err != nil {
		return time.Time{}
	}
	defer f.Close()
	h, err := parseHead(readRecord(f, int64(len(magic)), headMax))
	if err != nil {
		return time.Time{}
	}
	return h.Created
}

// IndexFault is why Seek could not use the index of a segment, which then is read from its beginning; or nil.
func (r *Reader) IndexFault() error { return r.index }

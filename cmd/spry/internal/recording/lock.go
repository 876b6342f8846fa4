// SPDX-License-Identifier: MIT

package recording

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A writer holds a lock as long as it writes: of the file, or of a file of this name in the folder, which stays there. So a second
// writer is refused, and a reader can tell a recording that is being written from one whose writer was killed.
const lockName = ".lock"

// errLocked says that a writer has the lock.
var errLocked = errors.New("another spry record is writing it")

// A reader takes the lock for the moment of a look. A writer that comes then tries again.
const (
	lockTries = 50
	lockPause = 2 * time.Millisecond
)

// lock makes this writer the only one. Where the system has no locks, it succeeds.
func lock(f *os.File) error {
	for try := 0; ; try++ {
		held, err := tryLock(f, true)
		switch {
		case err != nil || held: // what has no locks is used without
			return nil
		case try == lockTries:
			return errLocked
		}
		time.Sleep(lockPause)
	}
}

// lockFolder is lock of a folder. Closing the file gives it back.
func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// written reports whether a writer has the lock of a file, and whether that is known.
func written(f *os.File) (is, known bool) {
	free, err := tryLock(f, false)
	if free && err == nil {
		unlock(f)
	}
	return !free, err == nil
}

// writer reports whether a writer has the lock of the recording, and whether that is known.
func (r *Reader) writer() (is, known bool) {
	f := r.file
	if r.folder {
		var err error
		if f, err = os.Open(filepath.Join(r.path, lockName)); err != nil {
			return false, false
		}
		defer f.Close()
	} else if f == nil || !r.regular {
		return false, false
	}
	return written(f)
}

// Written reports whether the recording is known to be still written.
func (r *Reader) Written() bool {
	is, known := r.writer()
	return is && known
}

// left reports whether the writer of a recording that has begun is known to have gone. Lines of JSON may come from other programs, so that
// the lock must have been seen before.
func (r *Reader) left() bool {
	is, known := r.writer()
	r.seen = r.seen || is && known
	return known && !is && (r.seen || r.offset > 0 && !r.ndjson)
}

// SPDX-License-Identifier: MIT

//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly || windows

package recording_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/recording"
)

func create(t *testing.T, o recording.Options, list []recording.Message) *recording.Writer {
	t.Helper()
	w, err := recording.Create(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(list...); err != nil {
		t.Fatal(err)
	}
	return w
}

// A recording has one writer at a time, whether it is a folder, a file or the output of the program. Readers see whether it has one.
func TestWritersDoNotMix(t *testing.T) {
	folder := t.TempDir()
	out, err := os.Create(filepath.Join(folder, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for name, o := range map[string]recording.Options{
		"folder": {Folder: true, Path: filepath.Join(folder, "segments")}, "file": {Path: filepath.Join(folder, "file")},
		"lines": {NDJSON: true, Path: filepath.Join(folder, "lines")}, "output": {Out: out},
	} {
		t.Run(name, func(t *testing.T) {
			w := create(t, o, numbered(3))
			other, path := o, o.Path
			if o.Out != nil {
				path = out.Name()
				also, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer also.Close()
				other.Out = also
			}
			before := contents(t, path)
			if _, err := recording.Create(other); err == nil {
				t.Error("two writers at one time")
			} else if !strings.Contains(err.Error(), "another spry record is writing it") && !strings.Contains(err.Error(), "is there already") {
				t.Errorf("the second writer fails with %v", err)
			}
			if got := contents(t, path); got != before {
				t.Errorf("the second writer made %q of %q", got, before)
			}
			if !reads(t, path) {
				t.Error("a reader takes it for a recording that nobody writes")
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if reads(t, path) {
				t.Error("a reader takes it for one that is still being written")
			}
			if o.Folder {
				again := create(t, o, numbered(2))
				if err := again.Close(); err != nil || again.Figures().Messages != 2 {
					t.Errorf("a folder is not continued: %v", err)
				}
			}
		})
	}
}

// contents is what is in a file, or the files of a folder.
func contents(t *testing.T, path string) (all string) {
	t.Helper()
	err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		all += filepath.Base(name) + ":" + string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// reads reads a recording to its end, and returns whether it is still being written.
func reads(t *testing.T, path string) bool {
	t.Helper()
	r, err := recording.Open(path, nil, recording.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if list, err := all(r); err != nil || len(list) < 3 {
		t.Errorf("%d messages, %v", len(list), err)
	}
	return r.Written()
}

// Who follows a recording whose writer was killed comes to its end, and does not wait for ever.
func TestFollowEndsWithAKilledWriter(t *testing.T) {
	for name, o := range map[string]recording.Options{"file": {}, "folder": {Folder: true, SegmentBytes: 4 << 10}} {
		t.Run(name, func(t *testing.T) {
			o.Path = filepath.Join(t.TempDir(), "r")
			write(t, o, numbered(500))
			last := o.Path
			if o.Folder {
				entries, err := os.ReadDir(o.Path)
				if err != nil {
					t.Fatal(err)
				}
				last = filepath.Join(o.Path, entries[len(entries)-1].Name())
			}
			info, err := os.Stat(last)
			if err != nil {
				t.Fatal(err)
			}
			const end = 8 + 10 // the last record
			if err := os.Truncate(last, info.Size()-end); err != nil {
				t.Fatal(err)
			}
			r, err := recording.Open(o.Path, nil, recording.ReadOptions{Follow: true})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if list, err := all(r); err != nil || len(list) != 500 {
				t.Errorf("%d messages, %v", len(list), err)
			}
		})
	}
}

// What was begun and failed is removed, and nothing else.
func TestDiscard(t *testing.T) {
	for name, o := range map[string]recording.Options{"file": {}, "lines": {NDJSON: true}, "folder": {Folder: true}} {
		o.Path = filepath.Join(t.TempDir(), "r")
		if o.Folder {
			write(t, o, numbered(3))
		}
		w := create(t, o, numbered(2))
		if err := w.Discard(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r, err := recording.Open(o.Path, nil, recording.ReadOptions{})
		if !o.Folder {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: it is still there: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if list, err := all(r); err != nil || len(list) != 3 {
			t.Errorf("%s: %d messages are left, %v", name, len(list), err)
		}
		r.Close()
		write(t, o, numbered(1)) // it is not locked
	}
	if w := create(t, recording.Options{Out: io.Discard}, nil); w.Discard() != nil {
		t.Error("there is nothing to remove of a stream")
	}
}

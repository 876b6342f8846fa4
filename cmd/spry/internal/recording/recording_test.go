// SPDX-License-Identifier: MIT

package recording_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/recording"
)

// random are messages of 0 bytes to 1 MiB, some of several frames.
func random(n int) (list []recording.Message) {
	r := rand.New(rand.NewPCG(1, 2))
	fill := func(size int) []byte {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	at := time.Unix(1_700_000_000, 0)
	for i := range n {
		at = at.Add(time.Duration(r.IntN(1e6)))
		m := recording.Message{Number: uint64(i + 1), Time: at, Pipe: r.Uint64(), Peer: "127.0.0.1:5555", User: "ada", Topic: "t"}
		if i%5 == 0 {
			m.Header = fill(8)
		}
		for range 1 + r.IntN(4)*(i%2) {
			m.Frames = append(m.Frames, fill(r.IntN(1<<r.IntN(12))))
		}
		list = append(list, m)
	}
	list[0].Frames = [][]byte{{}}
	list[1].Frames = [][]byte{{}, {}, []byte("text"), {}}
	list[2].Frames = [][]byte{fill(1 << 20)}
	return list
}

func write(t testing.TB, o recording.Options, list []recording.Message) *recording.Writer {
	t.Helper()
	w, err := recording.Create(o)
	if err != nil {
		t.Fatal(err)
	}
	for len(list) > 0 {
		n := min(len(list), 7)
		if err := w.Append(list[:n]...); err != nil {
			t.Fatal(err)
		}
		list = list[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// all reads a recording to its end.
func all(r *recording.Reader) (list []recording.Message, err error) {
	for {
		m, err := r.Next(context.Background())
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, m)
	}
}

func same(t *testing.T, got, want []recording.Message) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d messages instead of %d", len(got), len(want))
	}
	for i := range want {
		g, w := got[i], want[i]
		if !g.Time.Equal(w.Time) || len(g.Frames) != len(w.Frames) {
			t.Fatalf("message %d: time %v of %v, %d frames of %d", i, g.Time, w.Time, len(g.Frames), len(w.Frames))
		}
		for k := range w.Frames {
			if !bytes.Equal(g.Frames[k], w.Frames[k]) {
				t.Fatalf("message %d: frame %d differs", i, k)
			}
		}
		g.Time, g.Frames, w.Time, w.Frames = time.Time{}, nil, time.Time{}, nil
		if !reflect.DeepEqual(g, w) {
			t.Fatalf("message %d is %+v instead of %+v", i, g, w)
		}
	}
}

// What was recorded is read as it was, in every form that a recording has.
func TestRecordingsKeepEverything(t *testing.T) {
	want := random(300)
	for name, o := range map[string]recording.Options{
		"compact": {Path: "file"}, "ndjson": {Path: "lines", NDJSON: true}, "folder": {Path: "folder", Folder: true, SegmentBytes: 4 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			o.Path = filepath.Join(t.TempDir(), o.Path)
			w := write(t, o, want)
			if f := w.Figures(); f.Messages != 300 || (f.Segments > 5) != o.Folder {
				t.Errorf("figures %+v", f)
			}
			r, err := recording.Open(o.Path, nil, recording.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := all(r)
			if err != nil || r.Missed() != 0 || r.Cut() != 0 {
				t.Fatal(err, r.Missed(), r.Cut())
			}
			same(t, got, want)
		})
		t.Run(name+" as a stream", func(t *testing.T) {
			if o.Folder {
				return
			}
			var out bytes.Buffer
			write(t, recording.Options{Out: &out, NDJSON: o.NDJSON}, want)
			r, err := recording.Open("", &out, recording.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := all(r)
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want)
		})
	}
}

// numbered are small messages a millisecond apart whose bodies are their numbers.
func numbered(n int) (list []recording.Message) {
	for i := range n {
		list = append(list, recording.Message{Time: time.Unix(1000, int64(i)*1e6), Frames: [][]byte{[]byte(strconv.Itoa(i + 1))}})
	}
	return list
}

// A reader that seeks comes to the place, and skips most of what is before it.
func TestSeek(t *testing.T) {
	const n = 40_000
	for name, o := range map[string]recording.Options{"file": {}, "folder": {Folder: true, SegmentBytes: 300 << 10}} {
		o.Path = filepath.Join(t.TempDir(), "r")
		write(t, o, numbered(n))
		for _, want := range []uint64{1, 2, 5000, 20_001, n - 1, n, n + 5} {
			for _, p := range []recording.Position{{Number: want}, {Time: time.Unix(1000, int64(want-1)*1e6)}} {
				r, err := recording.Open(o.Path, nil, recording.ReadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Seek(p); err != nil {
					t.Fatal(err)
				}
				m, err := r.Next(t.Context())
				if err != nil || m.Number > want || want-m.Number > n/2 && want > 1 || string(m.Frames[0]) != strconv.FormatUint(m.Number, 10) {
					t.Errorf("%s: seeking %d leads to %d %q, %v", name, want, m.Number, m.Frames, err)
				}
				r.Close()
			}
		}
	}
}

// Wherever a writer was killed, the messages before that are read, and the number of bytes of the rest is known.
func TestCutRecordings(t *testing.T) {
	for _, ndjson := range []bool{false, true} {
		var out bytes.Buffer
		want := numbered(8)
		write(t, recording.Options{Out: &out, NDJSON: ndjson}, want)
		whole := out.Bytes()
		seen := 0
		for n := range whole {
			for _, zeros := range []int{0, 3, 5000} {
				if ndjson && zeros > 0 {
					continue
				}
				text := append(bytes.Clone(whole[:n]), make([]byte, zeros)...)
				r, err := recording.Open("", bytes.NewReader(text), recording.ReadOptions{})
				if err != nil {
					t.Fatal(err)
				}
				got, err := all(r)
				if damage := new(recording.DamageError); errors.As(err, &damage) && zeros > 0 {
					continue // zeros within a record look like the rest of it
				}
				if err != nil {
					t.Fatalf("%d bytes: %v", n, err)
				}
				if zeros == 0 && len(got) < seen || len(got) > 8 {
					t.Fatalf("%d bytes have %d messages, fewer than a part of them", n, len(got))
				}
				if zeros == 0 {
					seen = len(got)
				}
			}
		}
		if seen != 8 {
			t.Errorf("%d messages at the end", seen)
		}
	}
}

// A byte that changed is found, whichever it is. Only one that cuts the recording's end is none of the reader's business.
func TestDamage(t *testing.T) {
	var out bytes.Buffer
	write(t, recording.Options{Out: &out}, numbered(8))
	for i := range out.Len() {
		text := bytes.Clone(out.Bytes())
		text[i] ^= 0x10
		r, _ := recording.Open("", bytes.NewReader(text), recording.ReadOptions{})
		got, err := all(r)
		if err == nil && r.Cut() == 0 {
			t.Fatalf("byte %d is wrong, and nobody noticed: %d messages", i, len(got))
		}
		for k, m := range got {
			if string(m.Frames[0]) != strconv.Itoa(k+1) {
				t.Fatalf("byte %d is wrong, and message %d became %q", i, k+1, m.Frames)
			}
		}
	}
}

// A writer under limits removes its oldest segments and says so; a reader begins with what there is.
func TestLimits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	var removed uint64
	w := write(t, recording.Options{
		Path: path, Folder: true, SegmentBytes: 10 << 10, MaxBytes: 50 << 10,
		Removed: func(r recording.Removal) {
			if removed += r.Messages; r.Why != "max-size" || r.Err != nil {
				t.Errorf("%+v", r)
			}
		},
	}, numbered(10_000))
	f := w.Figures()
	if removed == 0 || f.RemovedMessages != removed || f.RemovedSegments < 5 {
		t.Errorf("%d removed, %+v", removed, f)
	}
	size := int64(0)
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 61<<10 || size < 30<<10 {
		t.Errorf("%d bytes are left", size)
	}
	r, err := recording.Open(path, nil, recording.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := all(r)
	if err != nil || uint64(len(got)) != 10_000-removed || got[0].Number != removed+1 {
		t.Errorf("%d messages after %d, %v", len(got), removed, err)
	}

	w, err = recording.Create(recording.Options{Path: path, Folder: true, MaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if w.Tick(time.Now().Add(59 * time.Minute)); w.Figures().RemovedSegments != 0 {
		t.Error("segments of this hour were removed")
	}
	if w.Tick(time.Now().Add(2 * time.Hour)); w.Figures().RemovedMessages != uint64(len(got)) {
		t.Errorf("after two hours %+v", w.Figures())
	}
}

// A folder is continued after its writer ended, and after it was killed.
func TestAFolderIsContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	o := recording.Options{Path: path, Folder: true, SegmentBytes: 1 << 10}
	list := numbered(300)
	write(t, o, list[:100])
	entries, _ := os.ReadDir(path)
	last := filepath.Join(path, entries[len(entries)-1].Name())
	info, _ := os.Stat(last)
	if err := os.Truncate(last, info.Size()-60); err != nil { // the end, and a part of a message
		t.Fatal(err)
	}
	write(t, o, list[99:])
	r, err := recording.Open(path, nil, recording.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := all(r)
	if err != nil || r.Missed() != 0 {
		t.Fatal(err, r.Missed())
	}
	for i, m := range got {
		if m.Number != uint64(i+1) {
			t.Fatalf("message %d has the number %d", i, m.Number)
		}
	}
	if n := len(got); n < 299 || n > 301 {
		t.Errorf("%d messages", n)
	}
}

// failing takes some bytes.
type failing struct{ room int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

// A writer that fails says how many messages are written, and writes no more.
func TestAFullDisk(t *testing.T) {
	to := &failing{room: 500}
	w, err := recording.Create(recording.Options{Out: to})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range numbered(100) {
		if err = w.Append(m); err != nil {
			break
		}
		n++
	}
	if !errors.Is(err, errFull) || w.Figures().Messages != uint64(n) || n == 0 || n > 20 {
		t.Errorf("%v after %d messages, %+v", err, n, w.Figures())
	}
	if room := to.room; w.Append(numbered(1)...) == nil || to.room != room {
		t.Error("it went on")
	}
}

func TestCreateKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	write(t, recording.Options{Path: path}, numbered(1))
	if _, err := recording.Create(recording.Options{Path: path}); err == nil {
		t.Error("a recording was written over")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode())
	}
}

// A reader follows a writer over segments: from the past to the end, without a gap and without a message twice.
func TestFollow(t *testing.T) {
	const n = 4000
	for name, o := range map[string]recording.Options{
		"file": {}, "lines": {NDJSON: true}, "folder": {Folder: true, SegmentBytes: 4 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			o.Path = filepath.Join(t.TempDir(), "r")
			w, err := recording.Create(o)
			if err != nil {
				t.Fatal(err)
			}
			list := numbered(n)
			if err := w.Append(list[:n/4]...); err != nil {
				t.Fatal(err)
			}
			wrote := make(chan error, 1)
			go func() {
				for i := n / 4; i < n; i += 5 {
					if err := w.Append(list[i : i+5]...); err != nil {
						wrote <- err
						return
					}
				}
				wrote <- w.Close()
			}()
			ctx := t.Context()
			r, err := recording.Open(o.Path, nil, recording.ReadOptions{Follow: true})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for i := uint64(1); i <= n; i++ {
				m, err := r.Next(ctx)
				if err != nil || m.Number != i || string(m.Frames[0]) != strconv.FormatUint(i, 10) {
					t.Fatalf("message %d is %d %q, %v", i, m.Number, m.Frames, err)
				}
			}
			if err := <-wrote; err != nil {
				t.Fatal(err)
			}
			if _, err := r.Next(ctx); err != io.EOF { // lines have no end, but a writer that has gone
				t.Errorf("at the end: %v", err)
			}
			if r.Missed() != 0 || o.Folder && w.Figures().Segments < 10 {
				t.Errorf("%d missed, %+v", r.Missed(), w.Figures())
			}
		})
	}
}

// A reader that is slower than the limits of a recording knows how many messages it missed.
func TestFollowCountsWhatWasRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	o := recording.Options{Path: path, Folder: true, SegmentBytes: 4 << 10, MaxBytes: 16 << 10}
	w, err := recording.Create(o)
	if err != nil {
		t.Fatal(err)
	}
	list := numbered(5000)
	if err := w.Append(list[:10]...); err != nil {
		t.Fatal(err)
	}
	r, err := recording.Open(path, nil, recording.ReadOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if m, err := r.Next(t.Context()); err != nil || m.Number != 1 {
		t.Fatal(m.Number, err)
	}
	if err := w.Append(list[10:]...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := all(r)
	if err != nil || r.Missed() == 0 || uint64(len(rest))+1+r.Missed() != 5000 {
		t.Errorf("%d read, %d missed, %v", len(rest)+1, r.Missed(), err)
	}
}

func ExampleParsePlace() {
	for _, text := range []string{"100", "2026-01-31T12:00:00Z", "1m30s", "soon"} {
		p, err := recording.ParsePlace(text)
		fmt.Println(p.Number, p.Time.Year(), p.After, err != nil)
	}
	// Output:
	// 100 1 0s false
	// 0 2026 0s false
	// 0 1 1m30s false
	// 0 1 0s true
}

// SPDX-License-Identifier: MIT

package recording_test

import (
	"bytes"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/recording"
)

func place(t *testing.T, text string) (p recording.Place) {
	t.Helper()
	if text != "" {
		var err error
		if p, err = recording.ParsePlace(text); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// A replay has the times of the recording, or those of its speed.
func TestPlayKeepsTheTiming(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	write(t, recording.Options{Path: path}, numbered(10))
	for speed, want := range map[float64]time.Duration{1: 9 * time.Millisecond, 2: 4500 * time.Microsecond, 0.5: 18 * time.Millisecond, 0: 0} {
		synctest.Test(t, func(t *testing.T) {
			play := recording.Play{Path: path, Speed: speed}
			n, start := 0, time.Now()
			for run, err := range play.Runs(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					time.Sleep(time.Second) // the first message waits for its peer
					start = time.Now()
				}
				n += len(run)
			}
			if took := time.Since(start); n != 10 || took != want || !play.Ended() {
				t.Errorf("speed %v: %d messages took %v, want %v", speed, n, took, want)
			}
		})
	}
}

// A replay has the part that it is told, whatever the recording's form, and of a stream too.
func TestPlayOfAPart(t *testing.T) {
	list := numbered(1000)
	var stream bytes.Buffer
	write(t, recording.Options{Out: &stream}, list)
	for name, o := range map[string]recording.Options{
		"file": {}, "lines": {NDJSON: true}, "folder": {Folder: true, SegmentBytes: 8 << 10}, "stream": {},
	} {
		o.Path = filepath.Join(t.TempDir(), "r")
		write(t, o, list)
		for _, part := range []struct {
			from, to    string
			first, last int
		}{
			{"", "", 1, 1000},
			{"100", "", 100, 1000},
			{"", "100", 1, 100},
			{"999", "2000", 999, 1000},
			{"500ms", "600ms", 501, 601},
			{time.Unix(1000, 10e6).UTC().Format(time.RFC3339Nano), "30", 11, 30},
			{"600", "500", 0, 0},
		} {
			play := recording.Play{Path: o.Path, From: place(t, part.from), To: place(t, part.to)}
			if name == "stream" {
				play.Path, play.In = "", bytes.NewReader(stream.Bytes())
			}
			var got []int
			for run, err := range play.Runs(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				for _, frames := range run {
					n, _ := strconv.Atoi(string(frames[0]))
					got = append(got, n)
				}
			}
			want := part.last - part.first + 1
			if part.first == 0 {
				want = 0
			}
			if len(got) != want || want > 0 && (got[0] != part.first || got[want-1] != part.last) {
				t.Errorf("%s, from %q to %q: %d messages, want %d to %d", name, part.from, part.to, len(got), part.first, part.last)
			}
		}
	}
}

func TestPlayLoops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	write(t, recording.Options{Path: path}, numbered(10))
	play := recording.Play{Path: path, Loop: true}
	n := 0
	for run, err := range play.Runs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, frames := range run {
			if n++; string(frames[0]) != strconv.Itoa((n-1)%10+1) {
				t.Fatalf("message %d is %q", n, frames)
			}
		}
		if n >= 35 {
			break
		}
	}
	if f := play.Figures(); f.Loops != 3 {
		t.Errorf("%+v", f)
	}
	// Nothing, again and again, would be for ever.
	play = recording.Play{Path: path, Loop: true, From: place(t, "11")}
	for range play.Runs(t.Context()) {
		t.Error("something was replayed")
	}
}

// A replay that follows a recording ends with the last message that is wanted, and does not wait for another one.
func TestPlayFollowsToAMessage(t *testing.T) {
	for name, o := range map[string]recording.Options{"file": {}, "lines": {NDJSON: true}, "folder": {Folder: true}} {
		o.Path = filepath.Join(t.TempDir(), "r")
		w, err := recording.Create(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(numbered(10)...); err != nil {
			t.Fatal(err)
		}
		play := recording.Play{Path: o.Path, Follow: true, To: place(t, "10")}
		n := 0
		for run, err := range play.Runs(t.Context()) { // the recording has no end yet
			if err != nil {
				t.Fatal(err)
			}
			n += len(run)
		}
		if f := play.Figures(); n != 10 || f.Last != 10 || !play.Ended() {
			t.Errorf("%s: %d messages, %+v", name, n, f)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

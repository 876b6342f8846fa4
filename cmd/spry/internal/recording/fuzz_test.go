// SPDX-License-Identifier: MIT

package recording_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/recording"
)

// Whatever is in a file, reading it ends, and what is read can be written and is read the same.
func FuzzReader(f *testing.F) {
	var compact, lines bytes.Buffer
	write(f, recording.Options{Out: &compact}, numbered(3))
	write(f, recording.Options{Out: &lines, NDJSON: true}, numbered(3))
	f.Add(compact.Bytes(), uint64(2))
	f.Add(lines.Bytes(), uint64(0))
	f.Add([]byte("\"text\"\n[\"a\",{\"base64\":\"/w==\"}]\n{\"body\":\"x\",\"count\":9}"), uint64(1))
	f.Add([]byte("SPRYREC1\x7f\xff\xff\xff\x00\x00\x00\x00"), uint64(1))
	whole := compact.Bytes()
	f.Add(append(bytes.Clone(whole[:len(whole)-40]), whole[len(whole)-18:]...), uint64(3))       // an end whose index is elsewhere
	f.Add(append(bytes.Clone(whole[:60]), "\x00\x00\x00\x18\x00\x00\x00\x00\x01"...), uint64(2)) // a record with more frames than it has bytes
	f.Fuzz(func(t *testing.T, text []byte, from uint64) {
		path := filepath.Join(t.TempDir(), "r")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := recording.Open(path, nil, recording.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := r.Seek(recording.Position{Number: from}); err != nil {
			t.Fatal(err)
		}
		got, err := all(r)
		if damage := new(recording.DamageError); err != nil && !errors.As(err, &damage) {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return
		}
		var out bytes.Buffer
		again := append([]recording.Message(nil), got...)
		write(t, recording.Options{Out: &out}, again)
		r, _ = recording.Open("", &out, recording.ReadOptions{})
		back, err := all(r)
		if err != nil {
			t.Fatal(err)
		}
		same(t, back, again)
	})
}

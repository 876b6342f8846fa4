// SPDX-License-Identifier: MIT

package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/textform"
)

// scrambled are messages as lines for --ndjson: of 0 bytes to 1 MiB, every second one of several frames, text and other bytes.
func scrambled(n int) (lines string, want [][]string) {
	r := rand.New(rand.NewPCG(3, 4))
	frame := func(size int) string {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	var out strings.Builder
	for i := range n {
		frames := []string{frame(r.IntN(1 << r.IntN(14)))}
		switch {
		case i == 0:
			frames = []string{""}
		case i == 1:
			frames = []string{frame(1 << 20)}
		case i%2 == 0:
			frames = append(frames, "", "text", frame(r.IntN(100)))
		}
		text, err := json.Marshal(textform.ContentsOf(frames...))
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&out, "%s\n", text)
		want = append(want, frames)
	}
	return out.String(), want
}

// received are the messages that --format json printed.
func received(t *testing.T, text string) (list [][]string) {
	t.Helper()
	for line := range strings.Lines(text) {
		frames, err := textform.ParseFrames([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		var message []string
		for _, f := range frames {
			message = append(message, string(f))
		}
		list = append(list, message)
	}
	return list
}

// What was recorded is replayed, byte for byte and in order: through a pipe and a file, in both formats, with all frames.
func TestRecordAndReplay(t *testing.T) {
	t.Parallel()
	const n = 200
	lines, want := scrambled(n)
	for _, form := range []string{"compact", "ndjson"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "r")
			record := start(t, nil, "record", "pull", "--zmtp", "--listen", here, "--format", form, file, "-n", strconv.Itoa(n))
			start(t, strings.NewReader(lines), "push", "--zmtp", "--dial", record.url(), "--ndjson").expect(0, "")
			record.expect(0, "")

			// The pipe: a replay of the file is recorded again, to standard output, and that replayed.
			pull := start(t, nil, "pull", "--zmtp", "--listen", here, "--format", "json", "-n", strconv.Itoa(n))
			piped, pipe := io.Pipe()
			second := start(t, piped, "replay", "push", "--zmtp", "--dial", pull.url(), "--speed", "max")
			recorder := start(t, nil, "record", "pull", "--zmtp", "--listen", here, "--format", form, "-n", strconv.Itoa(n))
			start(t, nil, "replay", "push", file, "--zmtp", "--dial", recorder.url(), "--speed", "max").expect(0, "")
			if code := recorder.wait(); code != 0 {
				t.Fatalf("exit %d: %s", code, recorder.stderr())
			}
			go func() { io.WriteString(pipe, recorder.stdout()); pipe.Close() }()
			second.expect(0, "")
			if code := pull.wait(); code != 0 {
				t.Fatalf("exit %d: %s", code, pull.stderr())
			}
			got := received(t, pull.stdout())
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%d messages of %d came, or others", len(got), n)
			}
		})
	}
}

// A replay joins a recording while that is written, under load and over many segments: no number is missing, and none comes twice.
func TestReplayFollowsARecording(t *testing.T) {
	t.Parallel()
	n := 20_000
	if long {
		n *= 10
	}
	folder := filepath.Join(t.TempDir(), "r")
	record := start(t, nil, "record", "pull", "--listen", here, folder, "--segment-size", "32KiB", "-n", strconv.Itoa(n), "--json")
	in, feed := io.Pipe()
	push := start(t, in, "push", "--dial", record.url(), "--lines")
	var replay, pull *process
	for i := 1; i <= n; i++ {
		if i == n/3 {
			pull = start(t, nil, "pull", "--listen", here, "-n", strconv.Itoa(n))
			replay = start(t, nil, "replay", "push", folder, "--dial", pull.url(), "--follow", "--speed", "max", "--json")
			pull.await(pull.stdout, `\n()`) // it is at work, and the recording goes on
		}
		if _, err := fmt.Fprintln(feed, i); err != nil {
			t.Fatal(err)
		}
	}
	feed.Close()
	push.expect(0, "")
	if code := record.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, record.stderr())
	}
	if code := replay.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, replay.stderr())
	}
	if code := pull.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, pull.stderr())
	}
	next := 1
	for line := range strings.Lines(pull.stdout()) {
		if strings.TrimSpace(line) != strconv.Itoa(next) {
			t.Fatalf("%q came instead of %d", line, next)
		}
		next++
	}
	var wrote, read struct {
		Messages, Segments, Missed int
	}
	if err := json.Unmarshal([]byte(record.stdout()), &wrote); err != nil || wrote.Messages != n || wrote.Segments < 10 {
		t.Errorf("%s: %v", record.stdout(), err)
	}
	if err := json.Unmarshal([]byte(replay.stdout()), &read); err != nil || read.Messages != n || read.Missed != 0 || next != n+1 {
		t.Errorf("%s, %d came: %v", replay.stdout(), next-1, err)
	}
}

// What a recorder had written is there after it was killed.
func TestAKilledRecorderLeavesItsMessages(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "r.spry")
	record := start(t, nil, "record", "pull", "--listen", here, file)
	start(t, nil, "push", "--dial", record.url(), "-D", "one", "-D", "two").expect(0, "")
	for {
		if text, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		} else if bytes.Contains(text, []byte("two")) {
			break
		}
		runtime.Gosched()
	}
	record.cmd.Process.Kill()
	<-record.exited
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, whole[:len(whole)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	pull := start(t, nil, "pull", "--listen", here, "-n", "1")
	replay := start(t, nil, "replay", "push", file, "--dial", pull.url())
	replay.expect(0, "")
	replay.await(replay.stderr, `the last \d+ bytes are no whole message()`)
	pull.expect(0, "one\n")
	pull = start(t, nil, "pull", "--listen", here, "-n", "1")
	replay = start(t, nil, "replay", "push", file, "--dial", pull.url(), "--follow")
	replay.expect(0, "") // and does not wait for a recorder that has gone
	pull.expect(0, "one\n")
}

// A recording has one recorder. Who replays it in the meantime hears that it is not whole yet, and can follow it to a message.
func TestRecordingsThatAreWritten(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "r") + "/"
	record := start(t, nil, "record", "pull", "--listen", here, folder)
	push := start(t, nil, "push", "--dial", record.url(), "-D", "one", "-D", "two")
	push.expect(0, "")
	other := start(t, nil, "record", "pull", "--listen", here, folder)
	if code := other.wait(); code != 1 || !strings.Contains(other.stderr(), "another spry record is writing it") {
		t.Errorf("exit %d: %s", code, other.stderr())
	}
	pull := start(t, nil, "pull", "--listen", here, "-n", "2")
	replay := start(t, nil, "replay", "push", folder, "--dial", pull.url(), "--follow", "--to", "2", "--speed", "max")
	replay.expect(0, "")
	pull.expect(0, "one\ntwo\n")
	pull = start(t, nil, "pull", "--listen", here, "-n", "2")
	replay = start(t, nil, "replay", "push", folder, "--dial", pull.url(), "--speed", "max")
	replay.expect(0, "")
	if !strings.Contains(replay.stderr(), "it is still being recorded; --follow goes on with it") {
		t.Errorf("the replay says %s", replay.stderr())
	}
}

// A recording that failed before it had a message leaves no file, which the next attempt would find.
func TestRecordThatFailsLeavesNoFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "r.spry")
	for range 2 {
		record := start(t, nil, "record", "pull", "--listen", here, "--recv-timeout", "10ms", file)
		if code := record.wait(); code == 0 || strings.Contains(record.stderr(), "is there already") {
			t.Errorf("exit %d: %s", code, record.stderr())
		}
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("the file is there: %v", err)
		}
	}
}

// The routing headers of requests are recorded, as they are on the wire, and nobody is answered.
func TestRecordRequests(t *testing.T) {
	t.Parallel()
	record := start(t, nil, "record", "raw-rep", "--listen", here, "-n", "1")
	start(t, nil, "req", "--dial", record.url(), "-D", "shout", "--recv-timeout", "10s")
	if code := record.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, record.stderr())
	}
	var line struct {
		Header []byte
		Body   string
	}
	if err := json.Unmarshal([]byte(record.stdout()), &line); err != nil || line.Body != "shout" || len(line.Header) != 4 || line.Header[0]&0x80 == 0 {
		t.Errorf("%s: %v", record.stdout(), err)
	}
}

// A full disk ends a recording, with the numbers of messages that are there and that are not.
func TestRecordOntoAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("NOT TESTED: this system has no /dev/full")
	}
	record := start(t, nil, "record", "pull", "--listen", here, "/dev/full", "--format", "ndjson")
	start(t, nil, "push", "--dial", record.url(), "-D", "x").wait()
	if code := record.wait(); code != 1 || !strings.Contains(record.stderr(), "no space left on device; 0 messages are recorded, and 1 that were received are not") {
		t.Errorf("exit %d: %s", code, record.stderr())
	}
}

// A secret in an address is not in a recording, nor in what is said of it.
func TestRecordingsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "r.spry")
	const secret = "Xyzzy123"
	record := start(t, nil, "record", "sub", "--dial", "ws://127.0.0.1:1/x?token="+secret, file, "--for", "300ms")
	record.wait()
	text, err := os.ReadFile(file)
	if err != nil || len(text) == 0 {
		t.Fatal(err)
	}
	if all := string(text) + record.stderr() + record.stdout(); strings.Contains(all, secret) {
		t.Errorf("it is in %q", all)
	}
}

// What a replay has of topics goes to subscribers of those.
func TestReplayOfTopics(t *testing.T) {
	t.Parallel()
	in := "{\"body\":\"a 1\"}\n{\"body\":\"b 1\"}\n{\"body\":\"a 2\"}\n"
	sub := start(t, nil, "sub", "--zmtp", "--listen", here, "-s", "a", "-n", "2")
	start(t, strings.NewReader(in), "replay", "pub", "--zmtp", "--dial", sub.url()).expect(0, "")
	sub.expect(0, "a 1\na 2\n")

	file := filepath.Join(t.TempDir(), "r.ndjson")
	record := start(t, nil, "record", "sub", "--listen", here, "-s", "b", "-s", "a ", file, "-n", "2")
	start(t, nil, "pub", "--dial", record.url(), "-D", "a 1", "-D", "c", "-D", "b").expect(0, "")
	record.expect(0, "")
	text, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	var topics []string
	for lines := bufio.NewScanner(text); lines.Scan(); {
		var line struct{ Topic string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		topics = append(topics, line.Topic)
	}
	if !slices.Equal(topics, []string{"a ", "b"}) {
		t.Errorf("topics %q", topics)
	}
}

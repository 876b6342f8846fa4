// SPDX-License-Identifier: MIT

package nngcat

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a socket that answers each message it is sent after a while, and records.
type fake struct {
	sent    []time.Duration // since the start
	start   time.Time
	replies []string
	in      chan string
	once    bool // like a request: one answer per message
	waiting bool
}

func (f *fake) send(context.Context, []byte) error {
	f.sent = append(f.sent, time.Since(f.start))
	f.waiting = true
	return nil
}

func (f *fake) recv(ctx context.Context) ([]byte, error) {
	if f.once && !f.waiting {
		return nil, errDone
	}
	select {
	case body := <-f.in:
		f.waiting = false
		return []byte(body), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *fake) reply(_ context.Context, body []byte) error {
	f.replies = append(f.replies, string(body))
	return nil
}

// play runs the loops in virtual time over a fake socket that gets the messages in in.
func play(t *testing.T, line string, once bool, in ...string) (*fake, string, error) {
	t.Helper()
	c, err := parse(strings.Fields(line), nil)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	f := &fake{start: time.Now(), in: make(chan string, len(in)), once: once}
	for _, body := range in {
		f.in <- body
	}
	var out bytes.Buffer
	p := program{config: c, socket: f, stdout: &out}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	err = p.loop(ctx)
	return f, out.String(), err
}

func TestSendLoop(t *testing.T) {
	for line, want := range map[string][]time.Duration{
		"--push -l1 -D x":                {0},
		"--push -l1 -D x -d 5":           {5 * time.Second},
		"--pub -l1 -D x -C 3":            {0, 0, 0},
		"--push -l1 -D x -C 3 -i 2":      {0, 2 * time.Second, 4 * time.Second},
		"--pub -l1 -D x -C 2 -i 2 -d 1 ": {time.Second, 3 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, _, err := play(t, line, false)
			if err != nil || !slices.Equal(f.sent, want) {
				t.Errorf("%s: sent at %v, %v; want %v", line, f.sent, err, want)
			}
		})
	}
}

func TestReceiveLoopEndsWithoutErrorAtTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, out, err := play(t, "--pull -l1 -Q --recv-timeout 2", false, "a", "b\n")
		if want := "\"a\"\n\"b\\n\"\n"; err != nil || out != want {
			t.Errorf("printed %q, %v; want %q", out, err, want)
		}
	})
}

func TestReceiveLoopCounts(t *testing.T) {
	f, out, err := play(t, "--pull -l1 -A -C 2", false, "a", "b", "c")
	if err != nil || out != "ab" || len(f.in) != 1 {
		t.Errorf("printed %q, %v, %d left", out, err, len(f.in))
	}
}

func TestReplyLoop(t *testing.T) {
	f, out, err := play(t, "--rep -l1 --raw -D yes -C 2", false, "a", "b", "c")
	if err != nil || out != "ab" || !slices.Equal(f.replies, []string{"yes", "yes"}) {
		t.Errorf("printed %q, replied %q, %v", out, f.replies, err)
	}
	synctest.Test(t, func(t *testing.T) {
		if _, _, err := play(t, "--rep -l1 -D yes --recv-timeout 1", false); err == nil || err.Error() != "Receive error: Timed out" {
			t.Errorf("at the timeout: %v", err)
		}
	})
}

func TestRequestsAreAnsweredOnce(t *testing.T) {
	f, out, err := play(t, "--req -l1 -D q -A", true, "1", "2")
	if err != nil || out != "1" || len(f.sent) != 1 {
		t.Errorf("printed %q, sent %d, %v", out, len(f.sent), err)
	}
	f, out, err = play(t, "--req -l1 -D q -A -C 2", true, "1", "2", "3")
	if err != nil || out != "12" || len(f.sent) != 2 {
		t.Errorf("with a count: printed %q, sent %d, %v", out, len(f.sent), err)
	}
}

func TestPairPrintsBetweenItsMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, out, err := play(t, "--pair1 -l1 -D x -A -C 2 -i 3", false, "1", "2")
		if want := []time.Duration{0, 3 * time.Second}; err != nil || out != "12" || !slices.Equal(f.sent, want) {
			t.Errorf("printed %q, sent at %v, %v", out, f.sent, err)
		}
	})
}

func TestPrintFormats(t *testing.T) {
	for name, want := range map[string]string{
		"no": "", "raw": "a\n\xff\"", "ascii": `a.."`, "quoted": "\"a\\n\\xff\\\"\"\n", "hex": "\"\\x61\\x0a\\xff\\x22\"\n",
		"msgpack": "\xc4\x04a\n\xff\"",
	} {
		_, out, err := play(t, "--pull -l1 -C 1 --format "+name, false, "a\n\xff\"")
		if err != nil || out != want {
			t.Errorf("%s prints %q, %v; want %q", name, out, err, want)
		}
	}
}

// SPDX-License-Identifier: MIT

package zmq_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// newKeys makes a key pair.
func newKeys(t testing.TB) (zmq.PublicKey, zmq.SecretKey) {
	t.Helper()
	public, secret, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	return public, secret
}

// secured are options of a socket whose log and events are kept.
func secured(s spry.Security) (zmq.Options, *record) {
	r := &record{}
	return zmq.Options{
		Security: s,
		Logger:   slog.New(slog.NewJSONHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Trace:    r.keep,
	}, r
}

// A record is everything that was written of a socket.
type record struct {
	mu     sync.Mutex
	text   bytes.Buffer
	events []spry.Event
}

// Write is for loggers.
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) keep(e spry.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// all is the text, and the events.
func (r *record) all() (string, []spry.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String(), r.events
}

// await waits until something was written.
func (r *record) await(t testing.TB, what string) {
	t.Helper()
	for ctx := testkit.Watchdog(t); ; time.Sleep(time.Millisecond) {
		text, _ := r.all()
		switch {
		case strings.Contains(text, what):
			return
		case ctx.Err() != nil:
			t.Fatalf("%s was never written, but %s", what, text)
		}
	}
}

// pushTo makes a socket that dials, and sends to pull.
func pushTo(t testing.TB, security spry.Security, url string, pull *zmq.Pull) *zmq.Push {
	t.Helper()
	ctx := testkit.Watchdog(t)
	push := zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{Security: security}})
	_, err := push.Dial(ctx, url)
	testkit.Check(t, err)
	testkit.Check(t, push.Send(ctx, []byte("hello"), nil, []byte("frames")))
	got, err := pull.Recv(ctx)
	testkit.Check(t, err)
	if len(got) != 3 || string(got[0]) != "hello" || string(got[2]) != "frames" {
		t.Errorf("received %q", got)
	}
	return push
}

// refusal dials, which must fail, and returns the error.
func refusal(t testing.TB, o zmq.Options, url string) error {
	t.Helper()
	push := zmq.NewPush(&zmq.PushOptions{Options: o})
	defer push.Close()
	_, err := push.Dial(testkit.Watchdog(t), url)
	if err == nil {
		t.Fatalf("%v was let in", o.Security)
	}
	return err
}

// listening makes a socket that listens with this security.
func listening(t testing.TB, security spry.Security) (*zmq.Pull, string, *record) {
	t.Helper()
	o, r := secured(security)
	pull := zmq.NewPull(&zmq.PullOptions{Options: o})
	t.Cleanup(func() { testkit.Check(t, pull.Close()) })
	e, err := pull.Listen(testkit.Watchdog(t), testkit.Address(t, "tcp"))
	testkit.Check(t, err)
	return pull, e.URL(), r
}

// rejected waits until a socket has refused n peers for a reason, and no others.
func rejected(t testing.TB, s interface{ Stats() spry.Stats }, reason spry.Reason, n uint64) {
	t.Helper()
	for ctx := testkit.Watchdog(t); ; time.Sleep(time.Millisecond) {
		var sum uint64
		got := s.Stats().Rejected
		for _, n := range got {
			sum += n
		}
		switch {
		case sum == n && got[reason] == n:
			return
		case ctx.Err() != nil || sum > n:
			t.Fatalf("rejected are %v, want %d for %s", got, n, reason)
		}
	}
}

// SPDX-License-Identifier: MIT

package spry_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// Each test here failed before a fault was mended.

// What a dead pipe gives back while Flush or Close waits goes to another pipe, and is waited for there.
func TestFlushFollowsMessagesToAnotherPipe(t *testing.T) {
	for _, verb := range []string{"flush", "close"} {
		t.Run(verb, func(t *testing.T) {
			leak.Check(t)
			for range 50 {
				flushAcrossPipes(t, verb == "close")
			}
		})
	}
}

func flushAcrossPipes(t *testing.T, closes bool) {
	const n = 500
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Linger: -1}})
	stuck, peer := attachMute(t, push, spry.ProtocolPull)
	for range n {
		testkit.Check(t, push.Send(ctx, []byte("x")))
	}
	pull := spry.NewPull(&spry.PullOptions{})
	attachPair(t, push, pull)
	flushed := make(chan error, 1)
	go func() {
		if closes {
			flushed <- push.Shutdown(ctx)
		} else {
			flushed <- push.Flush(ctx)
		}
	}()
	testkit.Check(t, peer.Close())
	testkit.Check(t, <-flushed)
	<-stuck.Done()
	if s := push.Stats().Send; s.Sent != n || s.Queued != 0 {
		t.Fatalf("all of %d messages are handed over, and the books say %+v", n, s)
	}
	testkit.Check(t, push.Close())
	testkit.Check(t, pull.Close())
}

// attachMute attaches a connection whose peer does no more than its handshake.
func attachMute(t *testing.T, s *spry.Push, peer spry.Protocol) (*spry.Pipe, net.Conn) {
	near, far := net.Pipe()
	shaken := make(chan error, 1)
	go func() {
		_, err := far.Write(testkit.Header(peer))
		if err == nil {
			_, err = io.ReadFull(far, make([]byte, 8))
		}
		shaken <- err
	}()
	p, err := s.Attach(testkit.Watchdog(t), near, nil)
	testkit.Check(t, err)
	testkit.Check(t, <-shaken)
	return p, far
}

// attachPair joins two sockets by a connection within the process.
func attachPair(t *testing.T, a *spry.Push, b *spry.Pull) {
	x, y := net.Pipe()
	attached := make(chan error, 1)
	go func() {
		_, err := b.Attach(testkit.Watchdog(t), y, &spry.AttachConfig{Role: spry.RoleListen})
		attached <- err
	}()
	_, err := a.Attach(testkit.Watchdog(t), x, nil)
	testkit.Check(t, err)
	testkit.Check(t, <-attached)
}

// The least loaded pipe may have few large messages, and no room: then the next one is the least loaded.
func TestLeastLoadedHasRoom(t *testing.T) {
	push := spry.NewPush(&spry.PushOptions{LeastLoaded: true, Options: spry.Options{SendQueueBytes: 1200, Linger: -1}})
	attachMute(t, push, spry.ProtocolPull)
	testkit.Check(t, push.Send(testkit.Watchdog(t), make([]byte, 950)))
	attachMute(t, push, spry.ProtocolPull)
	for i := range 4 {
		if err := push.TrySendMsg(spry.WrapMessage(make([]byte, 200), nil)); err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	testkit.Check(t, testkit.IgnoreUnsent(push.Close()))
}

// An upper end alone makes a whole Backoff.
func TestBackoffOfMaxAlone(t *testing.T) {
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Backoff: spry.Backoff{Max: 50 * time.Millisecond}}})
	_, err := push.Connect("tcp://127.0.0.1:1")
	testkit.Check(t, err)
	testkit.Check(t, push.Close())
}

// Where messages end silently with the socket, so do answers; and a closed socket says that it is closed.
func TestClosedSocketsSaySo(t *testing.T) {
	surveyor := spry.NewSurveyor(nil)
	testkit.Check(t, surveyor.Close())
	for _, err := range surveyor.Survey(testkit.Watchdog(t), []byte("?")) {
		t.Errorf("a closed surveyor yields %v", err)
	}
	sub := spry.NewSub(nil)
	testkit.Check(t, sub.Close())
	if err := sub.Unsubscribe("x"); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Unsubscribe on a closed socket: %v", err)
	}
}

// TLS on a unix socket is not ipc, and its URL says so.
func TestServeTLSOverUnixSockets(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	testkit.Check(t, err)
	pull := spry.NewPull(nil)
	e, err := pull.Serve(l, &spry.ListenConfig{TLS: &tls.Config{MinVersion: tls.VersionTLS13}})
	testkit.Check(t, err)
	if want := "tls+unix://" + l.Addr().String(); e.URL() != want {
		t.Errorf("the URL is %s, want %s", e.URL(), want)
	}
	testkit.Check(t, pull.Close())
}

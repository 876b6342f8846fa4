// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
)

const (
	fastHeartbeat = 50 * time.Millisecond
	manyBeats     = 14
)

// forEachSocket runs a test for each kind of the kernel's sockets, with little room in the peer's kernel, and for each end that
// may have listened. They mostly wait, and do so beside each other.
func forEachSocket(t *testing.T, test func(t *testing.T, near, far net.Conn, listening bool)) {
	leak.Check(t)
	for _, kind := range []string{"tcp", "ipc", "tls+tcp"} {
		for name, listening := range map[string]bool{"dialing": false, "listening": true} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				near, far := kernelPair(t, kind)
				test(t, near, far, listening)
			})
		}
	}
}

// kernelPair returns the two ends of a connection over the kernel.
func kernelPair(t *testing.T, kind string) (near, far net.Conn) {
	t.Helper()
	network, address := "tcp", "127.0.0.1:0"
	if kind == "ipc" {
		network, address = "unix", filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	testkit.Check(t, err)
	defer l.Close()
	near, err = net.Dial(network, l.Addr().String())
	testkit.Check(t, err)
	far, err = l.Accept()
	testkit.Check(t, err)
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	testkit.Check(t, far.(interface{ SetReadBuffer(int) error }).SetReadBuffer(16<<10))
	testkit.Check(t, near.(interface{ SetWriteBuffer(int) error }).SetWriteBuffer(200<<10))
	if kind != "tls+tcp" {
		return near, far
	}
	authority := testcert.NewAuthority(t)
	server := tls.Server(far, authority.Server(t))
	client := tls.Client(near, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	shaken := make(chan error, 1)
	go func() { shaken <- server.Handshake() }()
	testkit.Check(t, client.Handshake())
	testkit.Check(t, <-shaken)
	return client, server
}

// A heldPeer is a PULL socket of ZMTP that reads when the test says so, and never says anything.
type heldPeer struct {
	net.Conn
	t *testing.T
}

// attachPush connects a Push with a held peer.
func attachPush(t *testing.T, push *spry.Push, near, far net.Conn, listening bool) (*spry.Pipe, *heldPeer) {
	t.Helper()
	p, b := testkit.AttachBare(t, push, near, far, &spry.AttachConfig{Dialects: []string{"zmtp"}, Listening: listening}, func(b *testkit.Bare) { b.ShakeZMTP(t, "PULL") })
	testkit.Check(t, b.SetReadDeadline(time.Time{}))
	return p, &heldPeer{b, t}
}

// frame reads one frame and returns the length of its message, or -1 for a command.
func (h *heldPeer) frame() (int, error) {
	head := make([]byte, 9)
	if _, err := io.ReadFull(h, head[:2]); err != nil {
		return 0, err
	}
	n := int64(head[1])
	if head[0]&2 != 0 {
		if _, err := io.ReadFull(h, head[2:9]); err != nil {
			return 0, err
		}
		n = int64(binary.BigEndian.Uint64(head[1:]))
	}
	_, err := io.CopyN(io.Discard, h, n)
	if head[0]&4 != 0 {
		return -1, err
	}
	return int(n), err
}

// messages reads to the end and returns how many messages came.
func (h *heldPeer) messages() (n int) {
	for {
		switch size, err := h.frame(); {
		case errors.Is(err, io.EOF):
			return n
		case err != nil:
			h.t.Fatalf("after %d messages: %v", n, err)
		case size >= 0:
			n++
		}
	}
}

// lives fails if a pipe ends within so many heartbeats.
func lives(t *testing.T, p *spry.Pipe, beats int) {
	t.Helper()
	select {
	case <-p.Done():
		t.Fatalf("the pipe ended: %v", p.Err())
	case <-time.After(time.Duration(beats) * fastHeartbeat):
	}
}

// fastPush is a Push whose heartbeats are fast.
func fastPush(t *testing.T) *spry.Push {
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Heartbeat: fastHeartbeat, SendQueue: 2, Linger: -1}})
	t.Cleanup(func() { _ = push.Close() })
	return push
}

// A peer whose program pauses, so that its kernel has no room, is kept for any number of heartbeats: its machine answers
// every probe. Everything arrives when it goes on.
func TestPausedPeerIsKept(t *testing.T) {
	forEachSocket(t, func(t *testing.T, near, far net.Conn, listening bool) {
		push := fastPush(t)
		p, peer := attachPush(t, push, near, far, listening)
		sent := 0
		for blocked := false; !blocked; {
			ctx, cancel := context.WithTimeout(t.Context(), 2*fastHeartbeat)
			err := push.Send(ctx, make([]byte, 100_000))
			cancel()
			if blocked = err != nil; !blocked {
				sent++
			}
		}
		lives(t, p, manyBeats)
		closed := make(chan error, 1)
		go func() { closed <- push.Shutdown(t.Context()) }()
		if n := peer.messages(); n != sent {
			t.Errorf("%d of %d messages came", n, sent)
		}
		_ = far.Close()
		testkit.Check(t, <-closed)
	})
}

// A peer behind a slow link is kept while what was sent to it is on its way, though it says nothing: it has not seen the
// question, which is behind that.
func TestSlowLinkIsKept(t *testing.T) {
	forEachSocket(t, func(t *testing.T, near, far net.Conn, listening bool) {
		push := fastPush(t)
		p, peer := attachPush(t, push, near, far, listening)
		testkit.Check(t, push.Send(t.Context(), make([]byte, 100_000)))
		testkit.Check(t, push.Flush(t.Context()))
		for beat := range manyBeats {
			lives(t, p, 1)
			if _, err := io.CopyN(io.Discard, peer, 4000); err != nil {
				t.Fatalf("beat %d: %v", beat, err)
			}
		}
	})
}

// A peer that has read everything and does not answer is given up.
func TestSilentPeerIsGivenUp(t *testing.T) {
	forEachSocket(t, func(t *testing.T, near, far net.Conn, listening bool) {
		push := fastPush(t)
		p, peer := attachPush(t, push, near, far, listening)
		testkit.Check(t, push.Send(t.Context(), make([]byte, 100_000)))
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, peer)
		}()
		select {
		case <-p.Done():
		case <-time.After(time.Minute):
			t.Fatal("the pipe lives on")
		}
		if !strings.Contains(p.Err().Error(), "was silent") {
			t.Errorf("it ended with %v", p.Err())
		}
		<-read
	})
}

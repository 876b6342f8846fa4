// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// scripted attaches a peer that is nothing but the other end of a connection, which has said its header and read ours.
func scripted(t *testing.T, s *engine.Socket, peerHeader []byte, ours int) net.Conn {
	t.Helper()
	far, err := introduced(t, s, peerHeader, ours)
	must(t, err)
	return far
}

// introduced is scripted for a peer that the socket may refuse.
func introduced(t *testing.T, s *engine.Socket, peerHeader []byte, ours int) (far net.Conn, refused error) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	attached := inBackground(func(ctx context.Context) error {
		_, err := s.Attach(ctx, &transport.Stream{Conn: near}, true, engine.EndpointConfig{})
		return err
	})
	if _, err := far.Write(peerHeader); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(far, make([]byte, ours)); err != nil {
		t.Fatal(err)
	}
	return far, <-attached
}

// manyRequests are more than there is room for replies to.
const manyRequests = 5

// asked returns a Rep with room for one reply to each peer, and a peer that has sent manyRequests and reads nothing.
func asked(t *testing.T) (rep *Responder, peer net.Conn) {
	t.Helper()
	o := house(sp.Dialect)
	o.RecvQueue, o.SendQueue = 100, 1
	rep, answers := open(t, o, func(_ *engine.Socket, o engine.Options) *Responder { return NewResponder(hello(sp.Rep), o) })
	peer = scripted(t, answers, sp.AppendHeader(nil, sp.Req), sp.HeaderLen)
	for i := range byte(manyRequests) {
		_, err := peer.Write(sp.FramingLength.AppendFrame(nil, []byte{0x80, 0, 0, i}, []byte("?")))
		must(t, err)
	}
	return rep, peer
}

// receivedAll receives manyRequests.
func receivedAll(t *testing.T, rep *Responder) (received []*Request) {
	t.Helper()
	for range manyRequests {
		r, err := rep.Recv(t.Context())
		must(t, err)
		received = append(received, r)
	}
	return received
}

// endsWith makes sure that replying goes on until the peer closes.
func endsWith(t *testing.T, replying <-chan error, peer net.Conn) {
	t.Helper()
	synctest.Wait()
	if finished(t, replying) {
		t.Fatal("nobody reads, and the replies are over")
	}
	_ = peer.Close()
	synctest.Wait()
	select {
	case err := <-replying:
		if !errors.Is(err, engine.ErrPipeClosed) {
			t.Errorf("Reply to a peer that has gone: %v", err)
		}
	default:
		t.Fatal("the peer has gone, and Reply still waits for it")
	}
}

// A Reply that waits for its peer to read ends when that peer has gone.
func TestReplyEndsWithItsPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep, peer := asked(t)
		replying := inBackground(func(ctx context.Context) error {
			for range manyRequests {
				r, err := rep.Recv(ctx)
				if err != nil {
					return err
				}
				if err := r.Reply(ctx, []byte("!"), nil); err != nil {
					return err
				}
			}
			return nil
		})
		endsWith(t, replying, peer)
	})
}

// A Reply whose room others have taken, because their requests were received before, ends when the peer has gone.
func TestReplyWithoutRoomEndsWithItsPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep, peer := asked(t)
		received := receivedAll(t, rep)
		replying := inBackground(func(ctx context.Context) error {
			for _, r := range received {
				if err := r.Reply(ctx, []byte("!"), nil); err != nil {
					return err
				}
			}
			return nil
		})
		endsWith(t, replying, peer)
	})
}

// A reply that fails for want of room may be tried again; one that was sent may not.
func TestReplyMayBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep, peer := asked(t)
		received := receivedAll(t, rep)
		var last *Request // the first without room
		for _, r := range received {
			synctest.Wait() // the reply before is as far as it gets
			err := r.Reply(ended(), []byte("!"), nil)
			if err != nil {
				if last = r; !errors.Is(err, context.Canceled) {
					t.Fatalf("a reply without room: %v", err)
				}
				break
			}
			if err := r.Reply(ended(), []byte("!"), nil); !errors.Is(err, ErrReplied) {
				t.Fatalf("a second reply to one request: %v", err)
			}
		}
		if last == nil {
			t.Fatal("nobody reads, and there is room for all replies")
		}
		again := inBackground(func(ctx context.Context) error { return last.Reply(ctx, []byte("!"), nil) })
		go func() { _, _ = io.Copy(io.Discard, peer) }()
		synctest.Wait()
		if !finished(t, again) {
			t.Error("there is room, and the reply still waits")
		}
		must(t, peer.Close())
	})
}

// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// names makes a peer say what it calls itself.
func names(identity string) []byte {
	said := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01NULL"), make([]byte, 48)...)
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00" + string(rune(len(identity))) + identity
	return append(append(said, 4, byte(len(ready))), ready...)
}

// oursReady is how long the greeting and the READY of a Router are.
const oursReady = 64 + 2 + 6 + (1 + 11 + 4 + 6) + (1 + 8 + 4)

// A name that begins with a zero byte is nobody's own: whoever claims one is called as one who claims none.
func TestRouterAcceptsNoGeneratedName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router, s := open(t, house(zmtp.Dialect), func(_ *engine.Socket, o engine.Options) *Router {
			return NewRouter(zmtp.Router.Hello(), o, true)
		})
		scripted(t, s, names(""), oursReady)
		first := Identity(s.Pipes()[0])
		if len(first) != 5 || first[0] != 0 {
			t.Fatalf("a peer without a name is called %q", first)
		}
		honest := router.Peer(first)
		scripted(t, s, names(first), oursReady)
		scripted(t, s, names("\x00"), oursReady)
		if router.Peer(first) != honest || len(router.peers) != 3 {
			t.Errorf("the name %q was given to a peer that claimed it; there are %d names", first, len(router.peers))
		}
		for _, p := range s.Pipes() {
			if router.Peer(Identity(p)) != p {
				t.Errorf("%q is the name of another peer", Identity(p))
			}
		}
		named := "\x01\x00"
		scripted(t, s, names(named), oursReady)
		if router.Peer(named) == nil {
			t.Errorf("a peer is not called %q, as it said", named)
		}
	})
}

// A name is that of the peer that took it first; with Handover, of the one that took it last, whose predecessor loses its pipe.
func TestRouterNamesAreUnique(t *testing.T) {
	for _, handover := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			router, s := open(t, house(zmtp.Dialect), func(_ *engine.Socket, o engine.Options) *Router {
				return NewRouter(zmtp.Router.Hello(), o, handover)
			})
			scripted(t, s, names("twin"), oursReady)
			first := router.Peer("twin")
			_, err := introduced(t, s, names("twin"), oursReady)
			synctest.Wait()
			if !handover {
				if err == nil || router.Peer("twin") != first || first.Over() || s.Stats().Rejected["identity"] != 1 {
					t.Errorf("a second peer of the same name: %v; rejected %v", err, s.Stats().Rejected)
				}
				return
			}
			must(t, err)
			if !first.Over() || len(s.Pipes()) != 1 {
				t.Errorf("the older of two peers of the same name keeps its pipe; there are %d", len(s.Pipes()))
			}
			if p := router.Peer("twin"); p == nil || p == first {
				t.Error("the newer of two peers of the same name is not found by it")
			}
		})
	}
}

// With Mandatory, a Send that waits for room ends when its peer has gone.
func TestRouterSendEndsWithItsPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router, s := open(t, house(zmtp.Dialect), func(_ *engine.Socket, o engine.Options) *Router {
			r := NewRouter(zmtp.Router.Hello(), o, false)
			r.Mandatory = true
			return r
		})
		peer := scripted(t, s, names("stalled"), oursReady)
		send := func(ctx context.Context) error { return router.SendTo(ctx, true, "stalled", []byte("x"), nil) }
		fill(t, func() error {
			synctest.Wait()
			return router.SendTo(t.Context(), false, "stalled", []byte("x"), nil)
		})
		waiting := inBackground(send)
		synctest.Wait()
		if finished(t, waiting) {
			t.Fatal("a message was taken for a full peer")
		}
		must(t, peer.Close())
		synctest.Wait()
		select {
		case err := <-waiting:
			if !errors.Is(err, engine.ErrPipeClosed) && !errors.Is(err, engine.ErrNoPeer) {
				t.Errorf("sending to a peer that has gone: %v", err)
			}
		default:
			t.Fatal("the peer has gone, and Send still waits for it")
		}
	})
}

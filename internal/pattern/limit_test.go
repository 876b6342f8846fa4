// SPDX-License-Identifier: MIT

package pattern

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// A Dealer, one that conflates, and a Router refuse messages that are larger than the link carries; the pipe lives on.
// Their peers speak a protocol of two equal ends, because ZeroMQ's needs a stream of bytes.
func TestDealerAndRouterOverLimitedLinks(t *testing.T) {
	const limit = 1000
	for _, conflates := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := simnet.New(1)
			n.SetLinkOptions(simnet.LinkOptions{MaxMessage: limit})
			o := engine.Options{Dialects: []wire.Dialect{sp.Dialect}, Transports: []transport.Transport{n}, Linger: -1}
			dealer, dials := open(t, o, func(_ *engine.Socket, o engine.Options) *Dealer {
				if conflates {
					return NewDealer(hello(sp.Pair0), o, true)
				}
				return NewDealer(hello(sp.Pair0), o, false)
			})
			router, listens := open(t, o, func(_ *engine.Socket, o engine.Options) *Router { return NewRouter(hello(sp.Pair0), o, false) })
			_, err := listens.Listen(t.Context(), "simmsg://router", engine.EndpointConfig{})
			must(t, err)
			_, err = dials.Dial(t.Context(), "simmsg://router", engine.EndpointConfig{}, true)
			must(t, err)
			synctest.Wait()
			name := Identity(listens.Pipes()[0])
			for _, size := range []int{1, limit, limit + 1, 2, 100_000, limit} {
				large := size > limit
				err := dealer.Send(t.Context(), true, make([]byte, size), nil)
				if large != errors.Is(err, engine.ErrTooLarge) || !large && err != nil {
					t.Fatalf("a Dealer sends %d bytes: %v", size, err)
				}
				m := msg.Of(make([]byte, size))
				err = router.SendTo(t.Context(), true, name, nil, &m)
				if large != errors.Is(err, engine.ErrTooLarge) || !large && err != nil || large && m.Len() != size {
					t.Fatalf("a Router sends %d bytes: %v, and %d are left", size, err, m.Len())
				}
				if large {
					continue
				}
				for _, end := range []func() (*msg.Message, error){
					func() (*msg.Message, error) { return router.Recv(t.Context()) },
					func() (*msg.Message, error) { return dealer.Recv(t.Context()) },
				} {
					if m, err := end(); err != nil || m.Len() != size {
						t.Fatalf("%d bytes arrived as %v: %v", size, m, err)
					}
				}
			}
			if len(listens.Pipes()) != 1 || Identity(listens.Pipes()[0]) != name {
				t.Error("the pipe did not live on")
			}
			for _, s := range []*engine.Socket{dials, listens} {
				if out := s.Stats().Send; len(out.Dropped) > 0 {
					t.Errorf("dropped: %v", out.Dropped)
				}
				must(t, s.Close())
			}
		})
	}
}

// What a fan-out keeps for peers that come, and a welcome, are dropped for those whose link is too small.
func TestXPubOverLimitedLinks(t *testing.T) {
	const limit = 1000
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.SetLinkOptions(simnet.LinkOptions{MaxMessage: limit})
		o := engine.Options{Dialects: []wire.Dialect{sp.Dialect}, Transports: []transport.Transport{n}, Linger: -1}
		welcome := msg.Of(make([]byte, limit+1))
		_, listens := open(t, o, func(s *engine.Socket, _ engine.Options) *XPub {
			return NewXPub(s, hello(sp.Pair0), engine.DropOldest, &welcome, 0)
		})
		xsub, dials := open(t, o, func(s *engine.Socket, _ engine.Options) *XSub { return NewXSub(s, hello(sp.Pair0), engine.Block) })
		_, err := listens.Listen(t.Context(), "simmsg://xpub", engine.EndpointConfig{})
		must(t, err)
		_, err = dials.Dial(t.Context(), "simmsg://xpub", engine.EndpointConfig{}, true)
		must(t, err)
		must(t, xsub.Send(t.Context(), true, bytes.Repeat([]byte("x"), limit+1), nil))
		synctest.Wait()
		for _, s := range []*engine.Socket{dials, listens} {
			if out := s.Stats().Send; len(s.Pipes()) != 1 || out.Dropped["too_large"] != 1 || out.Sent != 0 {
				t.Errorf("%d pipes, %d messages sent, dropped: %v", len(s.Pipes()), out.Sent, out.Dropped)
			}
		}
		must(t, dials.Close())
		must(t, listens.Close())
	})
}

// SPDX-License-Identifier: MIT

package pattern

import (
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
func TestRouterGivesNobodyAGeneratedName(t *testing.T) {
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

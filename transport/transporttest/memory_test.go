// SPDX-License-Identifier: MIT

package transporttest_test

import (
	"testing"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/transporttest"
)

func TestMemory(t *testing.T) {
	transporttest.Run(t, transporttest.NewMemory(), transporttest.Options{
		URL:       func(*testing.T) string { return "memory://*" },
		Malformed: []string{"memory://"},
	})
}

// TestMemoryAlternatives has a listening end that speaks two protocols suit its peer.
func TestMemoryAlternatives(t *testing.T) {
	pair0 := transport.Hello{Protocol: 0x10, Peer: 0x10}
	pair1 := transport.Hello{Protocol: 0x11, Peer: 0x11}
	both := pair1
	both.Alternatives = []transport.Hello{pair0}
	for _, dialing := range []transport.Hello{pair0, pair1} {
		m := transporttest.NewMemory()
		u := transport.URL{Scheme: "memory", Address: "pair"}
		l, err := m.Listen(t.Context(), u, transport.ListenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		d, err := m.Dialer(u, transport.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		dialed, err := d.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer dialed.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		listened := make(chan transport.Hello, 1)
		go func() {
			peer, _ := accepted.(transport.Messages).Handshake(t.Context(), both, true)
			listened <- peer
		}()
		peer, err := dialed.(transport.Messages).Handshake(t.Context(), dialing, false)
		if err != nil {
			t.Fatal(err)
		}
		if peer.Protocol != dialing.Peer {
			t.Errorf("dialing %#x: the listening end answers %#x", dialing.Protocol, peer.Protocol)
		}
		if got := (<-listened).Protocol; got != dialing.Protocol {
			t.Errorf("dialing %#x: the listening end reads %#x", dialing.Protocol, got)
		}
	}
}

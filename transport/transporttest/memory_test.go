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

// TestMemoryOffers has ends that would speak several protocols agree on those that suit.
func TestMemoryOffers(t *testing.T) {
	offer := func(dialect string, protocol uint16) transport.Offer {
		return transport.Offer{Dialect: dialect, Hello: transport.Hello{Protocol: protocol, Peer: protocol}}
	}
	pair0, pair1, foreign := offer("sp", 0x10), offer("sp", 0x11), offer("zmtp", 0x10)
	both := []transport.Offer{pair1, pair0, foreign}
	for _, tc := range []struct {
		dialing []transport.Offer
		want    transport.Offer
	}{
		{[]transport.Offer{pair0}, pair0},
		{[]transport.Offer{pair1}, pair1},
		{[]transport.Offer{foreign, pair0}, pair0}, // what the listening end prefers
		{[]transport.Offer{offer("sp", 0x20), foreign}, foreign},
	} {
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
		listened := make(chan transport.Offer, 1)
		go func() {
			chosen, peer, _ := accepted.(transport.Messages).Handshake(t.Context(), both, true)
			if peer != tc.want.Hello {
				t.Errorf("dialing %v: the listening end reads %v", tc.dialing, peer)
			}
			listened <- chosen
		}()
		chosen, peer, err := dialed.(transport.Messages).Handshake(t.Context(), tc.dialing, false)
		if err != nil || chosen != tc.want || peer != tc.want.Hello {
			t.Errorf("dialing %v: the dialing end is told of %v, of a peer that is %v, %v", tc.dialing, chosen, peer, err)
		}
		if got := <-listened; got != tc.want {
			t.Errorf("dialing %v: the listening end chooses %v", tc.dialing, got)
		}
	}
}

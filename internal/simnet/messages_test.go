// SPDX-License-Identifier: MIT

package simnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/transport"
)

var (
	req   = offer("sp", 0x30, 0x31)
	rep   = offer("sp", 0x31, 0x30)
	pair0 = offer("sp", 0x10, 0x10)
	pair1 = offer("sp", 0x11, 0x11)
)

func offer(dialect string, protocol, peer uint16) transport.Offer {
	return transport.Offer{Dialect: dialect, Hello: transport.Hello{Protocol: protocol, Peer: peer, Name: "name", PeerName: "peer"}}
}

// alloc is memory for one message.
func alloc(_ []byte, size int) []byte { return make([]byte, size) }

func TestHandshakeChoosesAnOfferOfEachEnd(t *testing.T) {
	type offers = []transport.Offer
	foreign := offer("zmtp", 0x31, 0x30)
	for _, test := range []struct {
		dialing, listening offers
		dials, listens     transport.Offer
	}{
		{offers{req}, offers{rep}, req, rep},
		{offers{pair0}, offers{pair1, pair0}, pair0, pair0},
		{offers{pair0, pair1}, offers{pair1, pair0}, pair1, pair1},
		{offers{req, offer("zmtp", 0x30, 0x31)}, offers{foreign, rep}, offer("zmtp", 0x30, 0x31), foreign},
		{offers{req}, offers{foreign, pair1}, req, foreign}, // does not fit: that is for the engine to refuse
	} {
		d, l := messageLink(t, simnet.New(1))
		var wg sync.WaitGroup
		wg.Go(func() {
			if chosen, peer, err := l.Handshake(t.Context(), test.listening, true); err != nil || chosen != test.listens || peer != test.dials.Hello {
				t.Errorf("listener's handshake = %v, %v, %v; want %v and %v", chosen, peer, err, test.listens, test.dials)
			}
		})
		if chosen, peer, err := d.Handshake(t.Context(), test.dialing, false); err != nil || chosen != test.dials || peer != test.listens.Hello {
			t.Errorf("dialer's handshake = %v, %v, %v; want %v and %v", chosen, peer, err, test.dials, test.listens)
		}
		wg.Wait()
	}
}

func TestHandshakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, l := messageLink(t, simnet.New(1))
		_, _, err := d.Handshake(timeout(t, time.Second), []transport.Offer{req}, false)
		wantErr(t, "handshake with a silent listener", err, context.DeadlineExceeded)
		d.Close()
		if _, _, err = l.Handshake(t.Context(), []transport.Offer{rep}, true); err == nil {
			t.Error("handshake with a peer that left succeeded")
		}
	})
}

func TestHandshakeRefusesGarbage(t *testing.T) {
	for _, garbage := range []string{"", "GET / HTTP/1.1", "simmsg\x01", "simmsg\x01\x00\x30\x00\x31\x02sp\xffreq", "simmsg\x01\x00\x30\x00\x31\x00\x00\x00more"} {
		d, l := messageLink(t, simnet.New(1))
		if _, err := d.WriteMessages([]transport.Packet{{Body: []byte(garbage)}}); err != nil {
			t.Fatal(err)
		}
		if _, hello, err := l.Handshake(t.Context(), []transport.Offer{rep}, true); err == nil {
			t.Errorf("hello %q was taken as %v", garbage, hello)
		}
	}
}

func TestMessagesComeInBatches(t *testing.T) {
	d, l := messageLink(t, simnet.New(1))
	packets := []transport.Packet{{Header: []byte("a"), Body: []byte("bc")}, {}, {Body: []byte("d")}}
	if n, err := d.WriteMessages(packets); n != 3 || err != nil {
		t.Fatalf("WriteMessages = %d, %v", n, err)
	}
	packets[2].Body[0] = 'X' // what was taken is a copy
	dst := make([][]byte, 10)
	n, err := l.ReadMessages(dst, alloc)
	if got := fmt.Sprintf("%q", dst[:n]); got != `["abc" "" "d"]` || err != nil {
		t.Errorf("ReadMessages = %s, %v", got, err)
	}

	if err := d.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, err = l.ReadMessages(dst, alloc)
	wantErr(t, "read after the end", err, io.EOF)
	_, err = d.WriteMessages(packets)
	wantErr(t, "write after CloseWrite", err, noPipe)
	l.Close()
	_, err = l.ReadMessages(dst, alloc)
	wantErr(t, "read after Close", err, net.ErrClosed)
}

func TestMessageWindowBlocksTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, l := messageLink(t, simnet.New(1))
		taken := make(chan int, 1)
		go func() {
			n, err := d.WriteMessages(slices.Repeat([]transport.Packet{{Body: make([]byte, 1000)}}, 100))
			wantErr(t, "blocked write", err, net.ErrClosed)
			taken <- n
		}()
		synctest.Wait()
		d.Close()
		if n := <-taken; n != 64 {
			t.Errorf("a window of 64 KiB took %d messages of 1,000 bytes, want 64", n)
		}
		l.Close()

		// An empty window takes one message of any size.
		d, l = messageLink(t, simnet.New(2))
		if _, err := d.WriteMessages([]transport.Packet{{Body: make([]byte, 1<<20)}}); err != nil {
			t.Fatal(err)
		}
		dst := make([][]byte, 1)
		if n, err := l.ReadMessages(dst, alloc); n != 1 || len(dst[0]) != 1<<20 || err != nil {
			t.Errorf("ReadMessages = %d, %v", n, err)
		}
	})
}

func TestMaxMessage(t *testing.T) {
	n := simnet.New(1)
	n.SetLinkOptions(simnet.LinkOptions{MaxMessage: 10})
	d, _ := messageLink(t, n)
	if got := d.Info().Properties; got != (transport.Properties{Reliable: true, Ordered: true, MaxMessage: 10}) {
		t.Errorf("properties %+v", got)
	}
	took, err := d.WriteMessages([]transport.Packet{{Body: make([]byte, 10)}, {Header: make([]byte, 1), Body: make([]byte, 10)}})
	if took != 1 || err == nil {
		t.Errorf("WriteMessages = %d, %v; want the second message to be refused", took, err)
	}
}

func TestMessageLinkIsCutBetweenMessages(t *testing.T) {
	d, l := messageLink(t, simnet.New(1))
	d.(interface{ Link() *simnet.Link }).Link().SetFaults(simnet.ToListener, simnet.Faults{CutAfter: 25})
	if _, err := d.WriteMessages(slices.Repeat([]transport.Packet{{Body: make([]byte, 10)}}, 5)); err != nil {
		t.Fatal(err)
	}
	dst := make([][]byte, 10)
	if n, err := l.ReadMessages(dst, alloc); n != 2 || err != nil {
		t.Errorf("ReadMessages = %d, %v; want the 2 messages below the limit", n, err)
	}
	_, err := l.ReadMessages(dst, alloc)
	wantErr(t, "read", err, reset)
}

// arrived sends messages numbered 0 to 199 over an unreliable, unordered link and returns what comes.
func arrived(t *testing.T, seed uint64, f simnet.Faults) (numbers []int) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(seed)
		n.SetLinkOptions(simnet.LinkOptions{Unreliable: true, Unordered: true})
		d, l := messageLink(t, n)
		n.SetFaults(simnet.Both, f)

		// Hellos are neither lost nor overtaken.
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, _, err := l.Handshake(t.Context(), []transport.Offer{rep}, true); err != nil {
				t.Errorf("listener's handshake: %v", err)
			}
		})
		if _, _, err := d.Handshake(t.Context(), []transport.Offer{req}, false); err != nil {
			t.Errorf("dialer's handshake: %v", err)
		}
		wg.Wait()

		for i := range 200 {
			if _, err := d.WriteMessages([]transport.Packet{{Body: []byte{byte(i)}}}); err != nil {
				t.Fatal(err)
			}
		}
		d.CloseWrite()
		for {
			dst := make([][]byte, 8)
			got, err := l.ReadMessages(dst, alloc)
			if errors.Is(err, io.EOF) {
				return
			}
			for _, m := range dst[:got] {
				numbers = append(numbers, int(m[0]))
			}
		}
	})
	return numbers
}

func TestUnreliableLink(t *testing.T) {
	perfect := arrived(t, 1, simnet.Faults{})
	if len(perfect) != 200 || !slices.IsSorted(perfect) {
		t.Errorf("without faults %d messages came: %v", len(perfect), perfect)
	}
	f := simnet.Faults{Loss: 0.3, Duplicate: 0.2, Latency: time.Second, Jitter: time.Second}
	got := arrived(t, 1, f)
	distinct := slices.Compact(slices.Sorted(slices.Values(got)))
	switch {
	case len(distinct) < 100 || len(distinct) > 180:
		t.Errorf("%d of 200 messages came, want about 140", len(distinct))
	case len(got) == len(distinct):
		t.Error("no message came twice")
	case slices.IsSorted(got):
		t.Error("no message overtook another")
	}
	if again := arrived(t, 1, f); !slices.Equal(got, again) {
		t.Error("the same seed gave another outcome")
	}
}

func TestUnreliableLinkLosesMessagesInAPartition(t *testing.T) {
	n := simnet.New(1)
	n.SetLinkOptions(simnet.LinkOptions{Unreliable: true})
	d, l := messageLink(t, n)
	for i, on := range []bool{true, false} {
		n.Partition(on)
		if _, err := d.WriteMessages([]transport.Packet{{Body: []byte{byte(i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	dst := make([][]byte, 10)
	if got, err := l.ReadMessages(dst, alloc); got != 1 || dst[0][0] != 1 || err != nil {
		t.Errorf("ReadMessages = %v, %v; want message 1 only", dst[:got], err)
	}
}

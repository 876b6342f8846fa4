// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// An offeredLink is a link of whole messages whose handshake chooses as the test says.
type offeredLink struct {
	transport.Messages
	info   transport.Info
	choose func(offers []transport.Offer) (transport.Offer, transport.Hello)
	bodies [][]byte // that come, before the end
}

func (l *offeredLink) LocalAddr() net.Addr  { return inprocAddr("offered") }
func (l *offeredLink) RemoteAddr() net.Addr { return inprocAddr("offered") }
func (l *offeredLink) Info() transport.Info { return l.info }
func (l *offeredLink) CloseWrite() error    { return nil }
func (l *offeredLink) Close() error         { return nil }

func (l *offeredLink) Handshake(_ context.Context, offers []transport.Offer, _ bool) (transport.Offer, transport.Hello, error) {
	chosen, peer := l.choose(offers)
	return chosen, peer, nil
}

func (l *offeredLink) ReadMessages(dst [][]byte, alloc func(have []byte, size int) []byte) (n int, err error) {
	if len(l.bodies) == 0 {
		return 0, io.EOF
	}
	for n < min(len(dst), len(l.bodies)) {
		b := l.bodies[n]
		dst[n] = append(alloc(nil, len(b)+n%3)[:0], b...) // sometimes with more memory than it takes, as for datagrams
		n++
	}
	l.bodies = l.bodies[n:]
	return n, nil
}

// A namedDialect is the Scalability Protocols by another name.
type namedDialect struct {
	wire.Dialect
	name string
}

func (d namedDialect) Name() string { return d.name }

func (d namedDialect) Session(c wire.Config, peer transport.Hello) (*wire.Session, error) {
	s, err := d.Dialect.Session(c, peer)
	if err == nil {
		s.Dialect = d.name
	}
	return s, err
}

var reliable = transport.Info{Properties: transport.Properties{Reliable: true, Ordered: true}}

// What a link's handshake chooses, such as a WebSocket's subprotocol, is what is spoken: the dialect, and the protocol.
func TestHandshakesOfLinksChoose(t *testing.T) {
	pair0, pair1 := lookupHello(sp.Pair0), lookupHello(sp.Pair1)
	offer := func(dialect string, h transport.Hello) transport.Offer {
		return transport.Offer{Dialect: dialect, Hello: h, MaxMessage: 16 << 20}
	}
	want := []transport.Offer{offer("sp", pair1), offer("sp", pair0), offer("other", pair1), offer("other", pair0)}
	for i, chosen := range append(want, offer("third", pair1), offer("sp", lookupHello(sp.Bus)), transport.Offer{}) {
		s := NewSocket(Options{Dialects: []wire.Dialect{sp.Dialect, namedDialect{sp.Dialect, "other"}}}, func(*Socket, Options) Pattern {
			return &recorder{traits: Traits{Hello: pair1, Alternatives: []transport.Hello{pair0}}}
		})
		p, err := s.Attach(t.Context(), &offeredLink{info: reliable, choose: func(offers []transport.Offer) (transport.Offer, transport.Hello) {
			if !slices.Equal(offers, want) {
				t.Errorf("offered are %v", offers)
			}
			return chosen, chosen.Hello
		}}, true, EndpointConfig{})
		switch {
		case i >= len(want):
			if err == nil || !strings.Contains(err.Error(), "not offered") {
				t.Errorf("the choice of %v: %v", chosen, err)
			}
		case err != nil || p.session.Dialect != chosen.Dialect || p.session.Local != chosen.Hello || p.session.Peer != chosen.Protocol:
			t.Errorf("the choice of %v gives %v, %v", chosen, p, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A socket that needs what a link does not promise refuses it, and says so.
func TestLinksPromiseWhatPatternsNeed(t *testing.T) {
	for _, tc := range []struct {
		needs Traits
		has   transport.Properties
		says  string
	}{
		{Traits{}, transport.Properties{}, ""},
		{Traits{Reliable: true}, transport.Properties{Reliable: true}, ""},
		{Traits{Ordered: true}, transport.Properties{Ordered: true}, ""},
		{Traits{Reliable: true, Ordered: true}, reliable.Properties, ""},
		{Traits{Reliable: true}, transport.Properties{Ordered: true}, "a push socket needs a link that loses nothing"},
		{Traits{Ordered: true}, transport.Properties{Reliable: true}, "a push socket needs a link that keeps messages in order"},
	} {
		tc.needs.Hello = lookupHello(sp.Push)
		s := NewSocket(Options{Dialects: dialectSP}, func(*Socket, Options) Pattern { return &recorder{traits: tc.needs} })
		_, err := s.Attach(t.Context(), &offeredLink{info: transport.Info{Properties: tc.has}, choose: func(offers []transport.Offer) (transport.Offer, transport.Hello) {
			return offers[0], lookupHello(sp.Pull)
		}}, false, EndpointConfig{})
		switch {
		case tc.says == "" && err != nil:
			t.Errorf("%+v over %+v: %v", tc.needs, tc.has, err)
		case tc.says != "" && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), tc.says)):
			t.Errorf("%+v over %+v: %v, want %q", tc.needs, tc.has, err, tc.says)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Messages of a link lie in chunks of the engine's, several in one, and are what was sent.
func TestMessagesOfLinksLieInChunks(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	link := &offeredLink{info: reliable, choose: func(offers []transport.Offer) (transport.Offer, transport.Hello) {
		return offers[0], lookupHello(sp.Push)
	}}
	var want []string
	for range 1000 {
		size := dice.IntN(500)
		if dice.IntN(20) == 0 {
			size = dice.IntN(4 * landingSize)
		}
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(dice.Uint32())
		}
		want, link.bodies = append(want, string(b)), append(link.bodies, b)
	}
	r := &recorder{traits: Traits{Hello: lookupHello(sp.Pull)}}
	s := NewSocket(Options{Dialects: dialectSP}, func(*Socket, Options) Pattern { return r })
	p, err := s.Attach(t.Context(), link, false, EndpointConfig{})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	chunks := make(map[*buf.Chunk]int)
	for i := range r.received {
		m := &r.received[i]
		if m.Origin() != &p.origin {
			t.Fatalf("message %d has no origin", i)
		}
		if b, c := m.Body(), m.Owner(); len(b) > 0 && uintptr(unsafe.Pointer(&b[0]))-uintptr(unsafe.Pointer(&c.Data[0])) >= uintptr(len(c.Data)) {
			t.Fatalf("message %d does not lie in the chunk that it holds", i)
		}
		chunks[m.Owner()]++
	}
	if !slices.Equal(r.bodies, want) || chunks[nil] > 0 || len(chunks) > len(want)/2 {
		t.Errorf("%d messages of %d came, in %d chunks, %d in none", len(r.bodies), len(want), len(chunks), chunks[nil])
	}
	for i := range r.received {
		if m := &r.received[i]; string(m.Body()) != want[i] {
			t.Fatalf("message %d changed", i)
		} else if m.Release(); buf.Excess() > 0 {
			t.Fatalf("message %d was released twice", i)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

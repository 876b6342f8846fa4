// SPDX-License-Identifier: MIT

package engine

import (
	"net"
	"net/netip"
	"testing"

	"github.com/sprymq/spry/transport"
)

// lobby has unfinished handshakes of a test, by number.
type lobby struct {
	unfinished
	pending []*pendingLink
	closed  map[int]bool
}

// begin adds a handshake and returns the number of the one that made room, or -1.
func (l *lobby) begin(from source, limit int) (evicted int) {
	i := len(l.pending)
	p := &pendingLink{from: from, link: streamLink(&fakeConn{closed: func() { l.closed[i] = true }})}
	l.pending = append(l.pending, p)
	gone := l.add(p, limit)
	for i, p := range l.pending {
		if p == gone {
			return i
		}
	}
	return -1
}

// Of one source the oldest silent handshake makes room, whichever of the others have finished, and then the one that spoke first.
func TestUnfinishedOfOneSource(t *testing.T) {
	l := lobby{closed: map[int]bool{}}
	for range 4 {
		if l.begin(source{}, 4) >= 0 {
			t.Fatal("something is evicted below the limit")
		}
	}
	l.spoke(l.pending[0])
	l.spoke(l.pending[0])
	l.remove(l.pending[2]) // it has finished
	for i, want := range []int{-1, 1, 3, 4, 5} {
		if got := l.begin(source{}, 4); got != want {
			t.Errorf("handshake %d evicts %d, want %d", 4+i, got, want)
		}
	}
	l.remove(l.pending[1]) // an evicted one ends later
	l.spoke(l.pending[1])
	for i := 6; i <= 8; i++ {
		l.spoke(l.pending[i])
	}
	if got := l.begin(source{}, 4); got != 0 || !l.pending[0].evicted.Load() {
		t.Errorf("where all have spoken, %d makes room, want the first", got)
	}
	if l.count != 4 {
		t.Errorf("%d handshakes are unfinished, want 4", l.count)
	}
	l.closeAll()
	for i := range l.pending {
		if want := i >= 6; l.closed[i] != want {
			t.Errorf("handshake %d: closed %v", i, l.closed[i])
		}
	}
}

// The source with the most handshakes makes room, even for itself, and even if its peers have all begun to speak.
func TestUnfinishedOfManySources(t *testing.T) {
	l := lobby{closed: map[int]bool{}}
	few, many := source{name: "few"}, source{name: "many"}
	for range 3 {
		l.begin(few, 10)
	}
	for range 7 {
		l.begin(many, 10)
		l.spoke(l.pending[len(l.pending)-1])
	}
	for i := range 100 {
		got := l.begin(many, 10)
		if got < 0 || l.pending[got].from != many {
			t.Fatalf("handshake %d of the flood evicts %d", i, got)
		}
	}
	for range 2 {
		if got := l.begin(few, 10); l.pending[got].from != many {
			t.Errorf("a source with few handshakes evicts %d, its own", got)
		}
	}
	for i, p := range l.pending {
		l.remove(p)
		if n := len(l.sources); n != len(l.order) {
			t.Fatalf("after %d: %d sources, %d in order", i, n, len(l.order))
		}
	}
	if l.count != 0 || len(l.sources) != 0 {
		t.Errorf("%d handshakes of %d sources are left", l.count, len(l.sources))
	}
}

func TestSources(t *testing.T) {
	tcp := func(s string) transport.Link {
		return streamLink(addressed{&fakeConn{}, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s))})
	}
	unix := func(uid int, name string) transport.Link {
		s := streamLink(addressed{&fakeConn{}, &net.UnixAddr{Name: name, Net: "unix"}})
		if uid >= 0 {
			s.Creds = &transport.Creds{UID: uid}
		}
		return s
	}
	for i, pair := range []struct {
		a, b transport.Link
		same bool
	}{
		{tcp("10.0.0.1:1"), tcp("10.0.0.1:2"), true},
		{tcp("10.0.0.1:1"), tcp("10.0.0.2:1"), false},
		{tcp("10.0.0.1:1"), tcp("[::ffff:10.0.0.1]:1"), true},
		{tcp("[2001:db8::1]:1"), tcp("[2001:db8::ffff:2]:1"), true},
		{tcp("[2001:db8::1]:1"), tcp("[2001:db8:0:1::1]:1"), false},
		{tcp("[fe80::1%eth0]:1"), tcp("[fe80::2%eth0]:1"), false},
		{unix(1, ""), unix(1, "x"), true},
		{unix(1, ""), unix(2, ""), false},
		{unix(-1, "a"), unix(-1, "b"), true},
	} {
		if got := sourceOf(pair.a) == sourceOf(pair.b); got != pair.same {
			t.Errorf("pair %d: %+v and %+v", i, sourceOf(pair.a), sourceOf(pair.b))
		}
	}
}

// addressed is a connection from an address.
type addressed struct {
	net.Conn
	addr net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.addr }

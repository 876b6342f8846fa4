// SPDX-License-Identifier: MIT

package unfinished

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/sprymq/spry/transport"
)

// lobby has unfinished connections of a test, by number.
type lobby struct {
	Set[int]
	entries []*Entry[int]
}

// begin adds a connection and returns the number of the one that made room, or -1.
func (l *lobby) begin(from Source, limit int) (evicted int) {
	e := &Entry[int]{Value: len(l.entries), From: from}
	l.entries = append(l.entries, e)
	if gone := l.Add(e, limit); gone != nil {
		return gone.Value
	}
	return -1
}

// Of one source the oldest silent connection makes room, whichever of the others have finished, and then the one that spoke first.
func TestUnfinishedOfOneSource(t *testing.T) {
	var l lobby
	for range 4 {
		if l.begin(Source{}, 4) >= 0 {
			t.Fatal("something is evicted below the limit")
		}
	}
	l.Heard(l.entries[0])
	l.Heard(l.entries[0])
	l.Remove(l.entries[2]) // it has finished
	for i, want := range []int{-1, 1, 3, 4, 5} {
		if got := l.begin(Source{}, 4); got != want {
			t.Errorf("connection %d evicts %d, want %d", 4+i, got, want)
		}
	}
	l.Remove(l.entries[1]) // an evicted one ends later
	l.Heard(l.entries[1])
	for i := 6; i <= 8; i++ {
		l.Heard(l.entries[i])
	}
	if got := l.begin(Source{}, 4); got != 0 {
		t.Errorf("where all have spoken, %d makes room, want the first", got)
	}
	if all := slices.Sorted(l.All()); l.Len() != 4 || !slices.Equal(all, []int{6, 7, 8, 9}) {
		t.Errorf("%d are unfinished: %d", l.Len(), all)
	}
}

// The source with the most connections makes room, even for itself, and even if its peers have all begun to speak.
func TestUnfinishedOfManySources(t *testing.T) {
	var l lobby
	few, many := Source{name: "few"}, Source{name: "many"}
	for range 3 {
		l.begin(few, 10)
	}
	for range 7 {
		l.begin(many, 10)
		l.Heard(l.entries[len(l.entries)-1])
	}
	for i := range 100 {
		got := l.begin(many, 10)
		if got < 0 || l.entries[got].From != many {
			t.Fatalf("connection %d of the flood evicts %d", i, got)
		}
	}
	for range 2 {
		if got := l.begin(few, 10); l.entries[got].From != many {
			t.Errorf("a source with few connections evicts %d, its own", got)
		}
	}
	for i, e := range l.entries {
		l.Remove(e)
		if n := len(l.sources); n != len(l.order) {
			t.Fatalf("after %d: %d sources, %d in order", i, n, len(l.order))
		}
	}
	if l.Len() != 0 || len(l.sources) != 0 {
		t.Errorf("%d connections of %d sources are left", l.Len(), len(l.sources))
	}
}

func TestSources(t *testing.T) {
	tcp := func(s string) Source { return SourceOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)), nil) }
	unix := func(uid int, name string) Source {
		return SourceOf(&net.UnixAddr{Name: name, Net: "unix"}, &transport.Creds{UID: uid})
	}
	for i, pair := range []struct {
		a, b Source
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
		if got := pair.a == pair.b; got != pair.same {
			t.Errorf("pair %d: %+v and %+v", i, pair.a, pair.b)
		}
	}
}

// SPDX-License-Identifier: MIT

package simnet_test

import (
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/simnet"
)

// hostLink connects host a to host b.
func hostLink(t *testing.T, n *simnet.Net) (a, b *simnet.Conn) {
	t.Helper()
	l, err := n.ListenHost("b:1")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = n.DialHost(t.Context(), "a", "b", "b:1"); err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return a, far.(*simnet.Conn)
}

func TestRouteOfALiveLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		a, b := hostLink(t, n)
		n.SetRoute("b", "a", simnet.Faults{Latency: time.Hour})
		mustWrite(t, b, []byte("slow"))
		mustWrite(t, a, []byte("fast"))
		if d := after(func() { mustRead(t, b, []byte("fast")) }); d != 0 {
			t.Errorf("a->b takes %v", d)
		}
		if d := after(func() { mustRead(t, a, []byte("slow")) }); d != time.Hour {
			t.Errorf("b->a takes %v, want 1h", d)
		}
		if a.LocalAddr().String() != "a:32768" || b.RemoteAddr().String() != "a:32768" || a.RemoteAddr().String() != "b:1" {
			t.Errorf("the link is from %s to %s", a.LocalAddr(), a.RemoteAddr())
		}
		if links := n.Links(); len(links) != 1 || links[0].String() != "a->b:1#1" {
			t.Errorf("the links are %v", links)
		}
	})
}

func TestHalfOpenLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		a, b := hostLink(t, n)
		n.PowerOff("b")
		_, err := b.Write([]byte("x"))
		wantErr(t, "write without power", err, reset)
		b.Close()
		mustWrite(t, a, []byte("lost"))
		a.SetReadDeadline(time.Now().Add(time.Hour))
		_, err = a.Read(make([]byte, 1))
		wantErr(t, "read from a host without power", err, os.ErrDeadlineExceeded)
		a.SetReadDeadline(time.Time{})
		time.AfterFunc(time.Hour, func() { n.PowerOn("b") })
		if d := after(func() { _, err = a.Read(make([]byte, 1)) }); d != time.Hour {
			t.Errorf("the answer comes after %v, want 1h", d)
		}
		wantErr(t, "read when the host is back", err, reset)
	})
}

func TestAcceptJitterReorders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.SetFaults(simnet.ToListener, simnet.Faults{AcceptJitter: time.Second})
		l := listen(t, n, "sim://server")
		var order []string
		for range 9 { // their names sort as their numbers do
			if _, err := dialer(t, n, l.URL()).Dial(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 9 { // their names sort as their numbers do
			link, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			order = append(order, link.RemoteAddr().String())
		}
		if slices.IsSorted(order) {
			t.Errorf("accepted in the order %v", order)
		}
	})
}

// SPDX-License-Identifier: MIT

package simnet_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/transport"
)

func TestDialAndAccept(t *testing.T) {
	for _, typed := range []bool{false, true} {
		n := simnet.New(1)
		n.SetLinkOptions(simnet.LinkOptions{Typed: typed})
		l := listen(t, n, "sim://server")
		a, b := connect(t, n, l, dialer(t, n, l.URL()))
		want := transport.FramingLength
		if typed {
			want = transport.FramingTyped
		}
		for _, end := range []transport.Link{a, b} {
			if got := end.(*transport.Stream).Framing; got != want {
				t.Errorf("framing %v, want %v", got, want)
			}
		}
		if a.RemoteAddr().String() != "server" || b.LocalAddr().String() != "server" || a.LocalAddr() != b.RemoteAddr() {
			t.Errorf("addresses: %v -> %v, accepted as %v <- %v", a.LocalAddr(), a.RemoteAddr(), b.LocalAddr(), b.RemoteAddr())
		}
		mustWrite(t, a.(net.Conn), []byte("hello"))
		mustRead(t, b.(net.Conn), []byte("hello"))
	}
}

func TestLinksAreNamedByDialerAndAttempt(t *testing.T) {
	n := simnet.New(1)
	l := listen(t, n, "sim://server")
	first, second := dialer(t, n, l.URL()), dialer(t, n, l.URL())
	connect(t, n, l, second)
	connect(t, n, l, first)
	connect(t, n, l, second)
	var names []string
	for _, link := range n.Links() {
		names = append(names, link.String())
	}
	if got, want := strings.Join(names, " "), "sim://server#1.1 sim://server#2.1 sim://server#2.2"; got != want {
		t.Errorf("links %s, want %s", got, want)
	}
}

func TestDialIsRefused(t *testing.T) {
	n := simnet.New(1)
	d := dialer(t, n, "sim://server")
	_, err := d.Dial(t.Context())
	wantErr(t, "dial with no listener", err, refused)

	l := listen(t, n, "sim://server")
	_, err = n.Listen(t.Context(), parse(t, "sim://server"), transport.ListenOptions{})
	wantErr(t, "second listener", err, syscall.EADDRINUSE)

	n.Refuse(l.URL(), true)
	_, err = d.Dial(t.Context())
	wantErr(t, "refused dial", err, refused)
	n.Refuse(l.URL(), false)
	connect(t, n, l, d)

	l.Close()
	_, err = d.Dial(t.Context())
	wantErr(t, "dial after the listener closed", err, refused)
	_, err = l.Accept()
	wantErr(t, "accept after close", err, net.ErrClosed)
	listen(t, n, "sim://server") // the name is free again
}

func TestAcceptThenClose(t *testing.T) {
	n := simnet.New(1)
	n.AcceptThenClose("sim://server", true)
	link, err := dialer(t, n, "sim://server").Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = link.(net.Conn).Read(make([]byte, 1))
	wantErr(t, "read", err, io.EOF)
}

func TestDialTakesARoundTripAndWaitsForPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.SetFaults(simnet.Both, simnet.Faults{Latency: time.Second})
		l := listen(t, n, "sim://server")
		d := dialer(t, n, l.URL())
		if took := after(func() { connect(t, n, l, d) }); took != 2*time.Second {
			t.Errorf("dial took %v, want 2s", took)
		}

		n.Partition(true)
		var err error
		took := after(func() { _, err = d.Dial(timeout(t, time.Minute)) })
		if took != time.Minute {
			t.Errorf("dial into a partition took %v, want 1m", took)
		}
		wantErr(t, "dial into a partition", err, context.DeadlineExceeded)

		time.AfterFunc(time.Hour, func() { n.Partition(false) })
		if took := after(func() { connect(t, n, l, d) }); took != time.Hour {
			t.Errorf("dial until the partition was over took %v, want 1h", took)
		}
	})
}

func TestFullBacklogDelaysDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		l := listen(t, n, "sim://server")
		d := dialer(t, n, l.URL())
		var err error
		made := 0
		for ; err == nil; made++ {
			_, err = d.Dial(timeout(t, time.Second))
		}
		wantErr(t, "dial", err, context.DeadlineExceeded)
		if made < 100 {
			t.Fatalf("only %d dials fit in the backlog", made-1)
		}
		time.AfterFunc(time.Minute, func() { l.Accept() })
		if _, err := d.Dial(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
}

func TestListenerCloseWakesAcceptAndEndsPendingLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		l := listen(t, n, "sim://server")
		time.AfterFunc(time.Minute, func() { l.Close() })
		_, err := l.Accept()
		wantErr(t, "accept", err, net.ErrClosed)

		l = listen(t, n, "sim://server")
		link, err := dialer(t, n, l.URL()).Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		_, err = link.(net.Conn).Read(make([]byte, 1))
		wantErr(t, "read", err, io.EOF)
	})
}

func TestAddressesAreChecked(t *testing.T) {
	n := simnet.New(1)
	for _, url := range []string{"sim://", "tcp://server"} {
		if _, err := n.Dialer(parse(t, url), transport.DialOptions{}); err == nil {
			t.Errorf("a dialer for %s was made", url)
		}
		if _, err := n.Listen(t.Context(), parse(t, url), transport.ListenOptions{}); err == nil {
			t.Errorf("%s was listened on", url)
		}
	}
}

// Every fault may be changed while links are used: for the race detector.
func TestFaultsWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		l := listen(t, n, "sim://server")
		d := dialer(t, n, l.URL())
		done := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			defer close(done)
			for i := range 30 {
				n.Partition(i%3 == 0)
				n.SetFaults(simnet.Both, simnet.Faults{Latency: time.Duration(i%5) * time.Millisecond, ReadChunk: i % 4, Rate: int64(i%2) << 20})
				time.Sleep(time.Second)
				n.CutAll()
			}
			n.Partition(false)
			l.Close()
			n.CutAll()
		})
		wg.Go(func() {
			for ; ; time.Sleep(200 * time.Millisecond) { // or virtual time would stand still
				link, err := d.Dial(timeout(t, time.Minute))
				if err != nil {
					return
				}
				wg.Go(func() {
					defer link.Close()
					io.Copy(io.Discard, link.(net.Conn))
				})
				wg.Go(func() {
					for {
						if _, err := link.(net.Conn).Write(make([]byte, 100)); err != nil {
							return
						}
						time.Sleep(100 * time.Millisecond)
					}
				})
			}
		})
		wg.Go(func() {
			for {
				link, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() {
					defer link.Close()
					io.Copy(link.(net.Conn), link.(net.Conn))
				})
			}
		})
		wg.Wait()
		n.CutAll()
		if left := n.Links(); len(left) != 0 {
			t.Errorf("links %v are left", left)
		}
	})
}

// SPDX-License-Identifier: MIT

package sprytest_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/sprytest"
)

// connect returns both ends of a new connection from one host to another, which must not listen yet.
func connect(t testing.TB, from, to *sprytest.Host) (near, far net.Conn) {
	t.Helper()
	l, err := to.ListenTCP(":0")
	check(t, err)
	defer l.Close()
	near, err = from.DialContext(t.Context(), "tcp", l.Addr().String())
	check(t, err)
	far, err = l.Accept()
	check(t, err)
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// travel returns how long bytes take from one end to the other.
func travel(t testing.TB, from, to net.Conn, bytes int) time.Duration {
	t.Helper()
	begun := time.Now()
	_, err := from.Write(make([]byte, bytes))
	check(t, err)
	_, err = io.ReadFull(to, make([]byte, bytes))
	check(t, err)
	return time.Since(begun)
}

// silent reports whether nothing comes within an hour, not even an end.
func silent(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Hour))
	defer c.SetReadDeadline(time.Time{})
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func TestLatencyAndRateOfARoute(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		a, b, c := w.Host("a"), w.Host("b"), w.Host("c")
		ab, ba := connect(w, a, b)
		ac, ca := connect(w, a, c)
		slow := sprytest.Faults{Latency: time.Minute, Rate: 10}
		a.To(b).SetFaults(slow)
		if got := a.To(b).Faults(); got != slow {
			w.Errorf("the route has the faults %+v", got)
		}
		later, revelation := connect(w, b, a) // whoever dials
		for _, way := range []struct {
			name     string
			from, to net.Conn
			want     time.Duration
		}{
			{"a->b", ab, ba, 2 * time.Minute}, {"b->a", ba, ab, 0}, {"a->c", ac, ca, 0}, {"a->b, which b dialed", revelation, later, 2 * time.Minute},
		} {
			if took := travel(w, way.from, way.to, 600); took != way.want {
				w.Errorf("%s takes %v, want %v", way.name, took, way.want)
			}
		}
		w.SetFaults(sprytest.Faults{})
		if took := travel(w, ab, ba, 600); took != 0 {
			w.Errorf("without faults it takes %v", took)
		}
	})
}

func TestJitterIsThatOfTheSeed(t *testing.T) {
	times := map[uint64]string{}
	for range 2 {
		sprytest.Run(t, 3, func(w *sprytest.World) {
			w.SetFaults(sprytest.Faults{Jitter: time.Second})
			ab, ba := connect(w, w.Host("a"), w.Host("b"))
			var all []time.Duration
			for range 10 {
				all = append(all, travel(w, ab, ba, 1))
			}
			got := fmt.Sprint(all)
			if before := times[w.Seed()]; before != "" && before != got {
				w.Errorf("seed %d gives %s, and gave %s", w.Seed(), got, before)
			}
			times[w.Seed()] = got
		})
	}
	if times[1] == times[2] || times[2] == times[3] {
		t.Errorf("seeds give the same times: %v", times)
	}
}

func TestPartitionAndHeal(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		a, b, c := w.Host("a"), w.Host("b"), w.Host("c")
		ab, ba := connect(w, a, b)
		bc, cb := connect(w, b, c)
		w.Partition([]*sprytest.Host{a}, []*sprytest.Host{b})
		_, err := ab.Write([]byte("x"))
		check(w, err)
		if !silent(ba) || !silent(ab) {
			w.Error("a and b are parted, and hear each other")
		}
		if took := travel(w, bc, cb, 1); took != 0 {
			w.Errorf("b and c are not parted, and it takes %v", took)
		}
		time.AfterFunc(time.Hour, w.Heal)
		if took := travel(w, ba, ab, 1); took != time.Hour {
			w.Errorf("bytes come %v later, want 1h, with the end of the partition", took)
		}
		check(w, ba.SetReadDeadline(time.Now().Add(time.Second)))
		if _, err := ba.Read(make([]byte, 1)); err != nil {
			w.Errorf("a byte of before was lost: %v", err)
		}
	})
}

func TestBlockIsOneWay(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		a, b := w.Host("a"), w.Host("b")
		ab, ba := connect(w, a, b)
		a.To(b).Block(true)
		_, err := ab.Write([]byte("x"))
		check(w, err)
		if !silent(ba) || travel(w, ba, ab, 1) != 0 {
			w.Error("only a->b is to be blocked")
		}
		a.To(b).Block(false)
		_, err = io.ReadFull(ba, make([]byte, 1))
		check(w, err)
	})
}

func TestCuts(t *testing.T) {
	sprytest.Run(t, 5, func(w *sprytest.World) {
		a, b := w.Host("a"), w.Host("b")
		for name, cut := range map[string]func(l *sprytest.Link){
			"Cut":      (*sprytest.Link).Cut,
			"CutAll":   func(*sprytest.Link) { w.CutAll() },
			"CutAfter": func(l *sprytest.Link) { l.SetFaults(sprytest.ToListener, sprytest.Faults{CutAfter: 100}) },
			"MeanCut":  func(l *sprytest.Link) { l.SetFaults(sprytest.ToListener, sprytest.Faults{MeanCut: 100}) },
		} {
			ab, ba := connect(w, a, b)
			links := a.Links(b)
			if len(links) != 1 {
				w.Fatalf("there are the links %v", links)
			}
			if from, to := links[0].Hosts(); from != a || to != b {
				w.Errorf("the link %s is from %s to %s", links[0], from, to)
			}
			cut(links[0])
			_, err := ab.Write(make([]byte, 10_000))
			n, rerr := io.Copy(io.Discard, ba)
			if !errors.Is(rerr, syscall.ECONNRESET) || name == "CutAfter" && (n != 100 || err != nil) {
				w.Errorf("%s: write %v, then %d bytes and %v", name, err, n, rerr)
			}
			if written, read := links[0].Traffic(sprytest.ToListener); read != n || written < n {
				w.Errorf("%s: the link says %d written, %d read, and it is %d", name, written, read, n)
			}
			if left := b.Links(); len(left) != 0 {
				w.Errorf("%s: the links %v are left", name, left)
			}
		}
	})
}

func TestFINAfter(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		w.SetFaults(sprytest.Faults{FINAfter: 7})
		ab, ba := connect(w, w.Host("a"), w.Host("b"))
		_, err := ab.Write(make([]byte, 10))
		check(w, err)
		if n, err := io.Copy(io.Discard, ba); n != 7 || err != nil {
			w.Errorf("%d bytes, then %v; want 7 and an orderly end", n, err)
		}
	})
}

// A link that is silent stays so, and others work.
func TestSilence(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		a, b := w.Host("a"), w.Host("b")
		ab, ba := connect(w, a, b)
		a.Links()[0].Silence(sprytest.Both)
		w.Heal()
		other, rehto := connect(w, a, b)
		check(w, ab.Close())
		if !silent(ba) || travel(w, other, rehto, 1) != 0 {
			w.Error("one link is to be silent, and the other not")
		}
	})
}

// A host without power takes nothing along: the other end is half open until it writes to the host that is back.
func TestPower(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		w.SetFaults(sprytest.Faults{Latency: time.Second})
		a, b := w.Host("a"), w.Host("b")
		ab, ba := connect(w, a, b)
		idle, elbi := connect(w, a, b)
		l, err := b.ListenTCP(":5555")
		check(w, err)
		b.PowerOff()
		if _, err := ba.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			w.Errorf("a call on the host without power: %v", err)
		}
		for _, c := range []net.Conn{ba, elbi} {
			check(w, c.Close())
		}
		if !silent(ab) {
			w.Error("the other end hears of the end")
		}
		check(w, l.Close())
		_, err = ab.Write([]byte("x"))
		check(w, err)
		if !silent(ab) {
			w.Error("a host without power answers")
		}
		dialed := make(chan error)
		begun := time.Now()
		go func() {
			_, err := a.DialContext(w.Context(), "tcp", "b:5555")
			dialed <- err
		}()
		time.AfterFunc(time.Hour, b.PowerOn)
		if err := <-dialed; !errors.Is(err, syscall.ECONNREFUSED) || time.Since(begun) != time.Hour {
			w.Errorf("dialing a host without power and programs: %v after %v", err, time.Since(begun))
		}
		if _, err := ab.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			w.Errorf("bytes of before are answered by %v, want a reset", err)
		}
		if !silent(idle) {
			w.Error("a half open connection learns of it without writing")
		}
		_, err = idle.Write([]byte("x"))
		check(w, err)
		begun = time.Now()
		if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) || time.Since(begun) != 2*time.Second {
			w.Errorf("new bytes are answered by %v after %v, want a reset after 2s", err, time.Since(begun))
		}
		if left := w.Links(); len(left) > 2 {
			w.Errorf("the links %v are left", left)
		}
	})
}

func TestRefusal(t *testing.T) {
	refused := 0
	sprytest.Run(t, 100, func(w *sprytest.World) {
		a, b := w.Host("a"), w.Host("b")
		l, err := b.ListenTCP(":1")
		check(w, err)
		defer l.Close()
		a.To(b).SetFaults(sprytest.Faults{Refusal: 0.3})
		conn, err := a.DialContext(w.Context(), "tcp", "b:1")
		switch {
		case err == nil:
			conn.Close()
		case errors.Is(err, syscall.ECONNREFUSED):
			refused++
		default:
			w.Error(err)
		}
	})
	if refused < 15 || refused > 45 {
		t.Errorf("%d of 100 dials were refused, want about 30", refused)
	}
}

// Connections are accepted in another order than they were made.
func TestAcceptJitter(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		a, b := w.Host("a"), w.Host("b")
		w.SetFaults(sprytest.Faults{AcceptJitter: time.Second})
		l, err := b.ListenTCP(":1")
		check(w, err)
		defer l.Close()
		const count = 20
		for i := range count {
			conn, err := a.DialContext(w.Context(), "tcp", "b:1")
			check(w, err)
			defer conn.Close()
			_, err = conn.Write([]byte{byte(i)})
			check(w, err)
		}
		var order []byte
		begun := time.Now()
		for range count {
			conn, err := l.Accept()
			check(w, err)
			defer conn.Close()
			first := make([]byte, 1)
			_, err = io.ReadFull(conn, first)
			check(w, err)
			order = append(order, first[0])
		}
		if slices.IsSorted(order) || time.Since(begun) > time.Second {
			w.Errorf("accepted in the order %v after %v", order, time.Since(begun))
		}
		slices.Sort(order)
		if len(slices.Compact(order)) != count {
			w.Errorf("of %d connections came %v", count, order)
		}
	})
}

// Chaos makes faults of the kinds that are wanted, the same ones for the same seed, and leaves the network healed.
func TestChaos(t *testing.T) {
	for kind, says := range map[sprytest.Kind]string{
		sprytest.Cuts: "is cut", sprytest.Partitions: "partition of", sprytest.Blocks: "is blocked", sprytest.Silences: "falls silent",
		sprytest.Slowness: "Latency:", sprytest.Refusals: "Refusal:1", sprytest.Cuts | sprytest.Refusals: "Refusal:1",
	} {
		var first []string
		for range 2 {
			sprytest.Run(t, 1, func(w *sprytest.World) {
				a, b := w.Host("a"), w.Host("b")
				for range 50 {
					connect(w, a, b)
				}
				begun := time.Now()
				w.Chaos(sprytest.Chaos{Every: 500 * time.Millisecond, Kinds: kind})
				events := w.Events()
				if took := time.Since(begun); took != time.Minute || len(events) < 15 || !slices.ContainsFunc(events, func(e string) bool { return strings.Contains(e, says) }) {
					w.Errorf("kind %d: after %v happened %q", kind, took, events)
				}
				if first == nil {
					first = events
				} else if !slices.Equal(first, events) {
					w.Errorf("kind %d: first happened %q, then %q", kind, first, events)
				}
				if ab, ba := connect(w, a, b); travel(w, ab, ba, 1) != 0 || a.To(b).Faults() != (sprytest.Faults{}) {
					w.Errorf("kind %d: the network is not healed", kind)
				}
			})
		}
	}
}

// The waits between a dialer's attempts are those of the seed.
func TestRedialsAreThoseOfTheSeed(t *testing.T) {
	waits := map[uint64]string{}
	for range 2 {
		sprytest.Run(t, 2, func(w *sprytest.World) {
			var all []time.Duration
			o := w.Host("client").Options()
			o.Trace = func(e spry.Event) {
				if e.Kind == spry.EventBackoff {
					all = append(all, e.Wait)
				}
			}
			push := spry.NewPush(&spry.PushOptions{Options: o})
			w.Host("server")
			_, err := push.Connect("tcp://server:5555")
			check(w, err)
			time.Sleep(time.Minute)
			check(w, push.Close())
			got := fmt.Sprint(all)
			if before := waits[w.Seed()]; before != "" && before != got || len(all) < 5 {
				w.Errorf("seed %d waits %s, and did %s", w.Seed(), got, before)
			}
			waits[w.Seed()] = got
		})
	}
	if waits[1] == waits[2] {
		t.Errorf("two seeds wait %s", waits[1])
	}
}

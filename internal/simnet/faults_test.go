// SPDX-License-Identifier: MIT

package simnet_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/simnet"
)

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.SetFaults(simnet.ToListener, simnet.Faults{Latency: time.Hour})
		a, b := n.Pipe()
		mustWrite(t, a, []byte("slow"))
		if d := after(func() { mustRead(t, b, []byte("slow")) }); d != time.Hour {
			t.Errorf("bytes took %v, want 1h", d)
		}
		mustWrite(t, b, []byte("fast"))
		if d := after(func() { mustRead(t, a, []byte("fast")) }); d != 0 {
			t.Errorf("bytes took %v in the other direction, want 0", d)
		}
		a.CloseWrite()
		if d := after(func() { io.ReadAll(b) }); d != time.Hour {
			t.Errorf("the end took %v, want 1h", d)
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.SetFaults(simnet.Both, simnet.Faults{Rate: 1000, Latency: time.Second})
		a, b := n.Pipe()
		start := time.Now()
		mustWrite(t, a, make([]byte, 10_000))
		buf := make([]byte, 10_000)
		got, _ := b.Read(buf)
		if first := time.Since(start); got != 50 || first != 1050*time.Millisecond {
			t.Errorf("first read of %d bytes after %v, want 50 after 1.05s", got, first)
		}
		if _, err := io.ReadFull(b, buf[got:]); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 11*time.Second {
			t.Errorf("10,000 bytes at 1,000/s with 1s of latency took %v, want 11s", d)
		}
	})
}

func TestReadChunk(t *testing.T) {
	sizes := func(seed uint64, chunk, buffer int) (ns []int) {
		n := simnet.New(seed)
		n.SetFaults(simnet.Both, simnet.Faults{ReadChunk: chunk})
		a, b := n.Pipe()
		data := numbered(2000)
		mustWrite(t, a, data)
		a.CloseWrite()
		var all []byte
		for {
			p := make([]byte, buffer)
			got, err := b.Read(p)
			if errors.Is(err, io.EOF) {
				break
			}
			all = append(all, p[:got]...)
			ns = append(ns, got)
		}
		if !bytes.Equal(all, data) {
			t.Fatalf("chunks joined differ from what was written")
		}
		return ns
	}
	if ns := sizes(1, 1, 100); len(ns) != 2000 {
		t.Errorf("2,000 bytes with chunks of 1 came in %d reads", len(ns))
	}
	ns := sizes(1, 7, 100)
	if slices.Max(ns) != 7 || slices.Min(ns) != 1 {
		t.Errorf("chunks are %d to %d bytes, want 1 to 7", slices.Min(ns), slices.Max(ns))
	}
	if again := sizes(1, 7, 100); !slices.Equal(ns, again) {
		t.Errorf("the same seed gave other chunks: %v and %v", ns, again)
	}
	if other := sizes(2, 7, 100); slices.Equal(ns, other) {
		t.Errorf("another seed gave the same chunks: %v", ns)
	}
}

func TestCutLosesEverythingUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		a, b := n.Pipe()
		mustWrite(t, a, []byte("lost"))
		n.CutAll()
		for _, c := range []*simnet.Conn{a, b} {
			_, err := c.Read(make([]byte, 10))
			wantErr(t, "read", err, reset)
			_, err = c.Write([]byte("x"))
			wantErr(t, "write", err, reset)
		}
	})
}

func TestCutWakesBlockedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := simnet.Pipe()
		time.AfterFunc(time.Minute, b.Link().Cut)
		_, err := a.Read(make([]byte, 1))
		wantErr(t, "read", err, reset)
	})
}

func TestCutAfter(t *testing.T) {
	a, b := simnet.Pipe()
	a.Link().SetFaults(simnet.ToListener, simnet.Faults{CutAfter: 10})
	data := numbered(100)
	mustWrite(t, a, data)
	got, err := io.ReadAll(b)
	if !bytes.Equal(got, data[:10]) {
		t.Errorf("read %d bytes, want the first 10", len(got))
	}
	wantErr(t, "read", err, reset)
	_, err = a.Write([]byte("x"))
	wantErr(t, "write", err, reset)
}

func TestFINAfter(t *testing.T) {
	a, b := simnet.Pipe()
	a.Link().SetFaults(simnet.ToListener, simnet.Faults{FINAfter: 10})
	data := numbered(100)
	mustWrite(t, a, data)
	got, err := io.ReadAll(b)
	if !bytes.Equal(got, data[:10]) || err != nil {
		t.Errorf("read %d bytes, %v; want the first 10 and the end", len(got), err)
	}
	_, err = a.Write([]byte("x"))
	wantErr(t, "write", err, noPipe)
	mustWrite(t, b, []byte("answer"))
	mustRead(t, a, []byte("answer"))
}

func TestLimitBelowWhatWasReadStrikesAtOnce(t *testing.T) {
	a, b := simnet.Pipe()
	mustWrite(t, a, make([]byte, 20))
	mustRead(t, b, make([]byte, 20))
	a.Link().SetFaults(simnet.ToListener, simnet.Faults{CutAfter: 10})
	_, err := b.Read(make([]byte, 1))
	wantErr(t, "read", err, reset)
}

func TestPartitionHoldsBytesAndTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		a, b := n.Pipe()
		n.Partition(true)
		mustWrite(t, a, []byte("held"))
		a.CloseWrite()
		b.SetReadDeadline(time.Now().Add(time.Hour))
		_, err := b.Read(make([]byte, 1))
		wantErr(t, "read", err, os.ErrDeadlineExceeded)
		b.SetReadDeadline(time.Time{})

		time.AfterFunc(time.Minute, func() { n.Partition(false) })
		var got []byte
		if d := after(func() { got, err = io.ReadAll(b) }); d != time.Minute {
			t.Errorf("bytes came after %v, want 1m", d)
		}
		if string(got) != "held" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestPartitionHidesThatThePeerClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := simnet.Pipe()
		a.Link().Partition(simnet.Both, true)
		b.Close()
		mustWrite(t, a, make([]byte, 64<<10))
		a.SetDeadline(time.Now().Add(time.Hour))
		_, err := a.Write([]byte("x"))
		wantErr(t, "write to a silent peer", err, os.ErrDeadlineExceeded)
		_, err = a.Read(make([]byte, 1))
		wantErr(t, "read from a silent peer", err, os.ErrDeadlineExceeded)

		a.SetDeadline(time.Time{})
		a.Link().Partition(simnet.Both, false)
		_, err = a.Write([]byte("x"))
		wantErr(t, "write after healing", err, noPipe)
		_, err = a.Read(make([]byte, 1))
		wantErr(t, "read after healing", err, io.EOF)
	})
}

func TestOneWayPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := simnet.Pipe()
		a.Link().Partition(simnet.ToListener, true)
		mustWrite(t, b, []byte("passes"))
		mustRead(t, a, []byte("passes"))
		mustWrite(t, a, []byte("held"))
		b.SetReadDeadline(time.Now().Add(time.Second))
		_, err := b.Read(make([]byte, 1))
		wantErr(t, "read", err, os.ErrDeadlineExceeded)
		if written, read := a.Link().Traffic(simnet.ToListener); written != 4 || read != 0 {
			t.Errorf("traffic is %d written, %d read; want 4, 0", written, read)
		}
	})
}

func TestCutEndsAPartition(t *testing.T) {
	a, b := simnet.Pipe()
	a.Link().Partition(simnet.Both, true)
	mustWrite(t, a, []byte("lost"))
	a.Link().Cut()
	for _, c := range []*simnet.Conn{a, b} {
		_, err := c.Read(make([]byte, 1))
		wantErr(t, "read", err, reset)
	}
}

func TestJitterFollowsTheSeedAndKeepsOrder(t *testing.T) {
	arrivals := func(seed uint64) (times []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			n := simnet.New(seed)
			n.SetFaults(simnet.Both, simnet.Faults{Latency: time.Second, Jitter: time.Second})
			a, b := n.Pipe()
			for i := range 20 {
				sent := time.Now()
				mustWrite(t, a, []byte{byte(i)})
				mustRead(t, b, []byte{byte(i)})
				times = append(times, time.Since(sent))
			}
		})
		return times
	}
	first := arrivals(1)
	if slices.Min(first) < time.Second || slices.Max(first) > 2*time.Second || slices.Min(first) == slices.Max(first) {
		t.Errorf("latencies %v, want varied ones from 1s to 2s", first)
	}
	if !slices.Equal(first, arrivals(1)) {
		t.Error("the same seed gave other latencies")
	}
	if slices.Equal(first, arrivals(2)) {
		t.Error("another seed gave the same latencies")
	}
}

// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/stream"
)

// messagePair are the two ends of a stream of messages.
func messagePair(t *testing.T) (a, b *stream.Messages) {
	x, y := stream.Pipe()
	a, err := stream.Prefix(x, 4, 1<<20)
	testkit.Check(t, err)
	b, err = stream.Prefix(y, 4, 1<<20)
	testkit.Check(t, err)
	return a, b
}

// Messages pass at the rate that was asked for, in virtual time.
func TestThrottledMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		a, b := messagePair(t)
		a, err := stream.ThrottleMessages(a, stream.Rate{}, stream.Rate{PerSecond: 10, Burst: 3})
		testkit.Check(t, err)
		begin := time.Now()
		testkit.Check(t, a.Send(ctx, make([][]byte, 23)...))
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("23 messages took %s at 10 a second after 3", took)
		}
		for range 23 {
			_, err := b.Receive(ctx)
			testkit.Check(t, err)
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		testkit.Wants(t, a.Send(short, nil), context.DeadlineExceeded)
		below, err := a.DetachFilter(ctx)
		testkit.Check(t, err)
		begin = time.Now()
		testkit.Check(t, below.Send(ctx, make([][]byte, 100)...))
		if time.Since(begin) != 0 {
			t.Error("the stream below a throttle is slow")
		}
		_, _ = below.Close(), b.Close()
	})
}

// Bytes pass at the rate that was asked for, in virtual time.
func TestThrottledBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		a, b := stream.Pipe()
		a, err := stream.Throttle(a, stream.Rate{}, stream.Rate{PerSecond: 1000, Burst: 100})
		testkit.Check(t, err)
		b, err = stream.Throttle(b, stream.Rate{PerSecond: 100, Burst: 10}, stream.Rate{})
		testkit.Check(t, err)
		begin := time.Now()
		testkit.Check(t, a.Write(ctx, make([]byte, 2100)))
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("writing 2,100 bytes took %s at 1,000 a second after 100", took)
		}
		begin = time.Now()
		testkit.Check(t, b.ReadFull(ctx, make([]byte, 110)))
		if took := time.Since(begin); took < 900*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("reading 110 bytes took %s at 100 a second after 10", took)
		}
		_, _ = a.Close(), b.Close()
	})
}

// The same seed loses the same messages, and a cut ends the stream.
func TestFaultyMessages(t *testing.T) {
	ctx := testkit.Watchdog(t)
	lossy := func() (got []byte) {
		a, b := messagePair(t)
		a, err := stream.FaultMessages(a, stream.MessageFaults{}, stream.MessageFaults{Loss: 0.3, Seed: 7, CutAt: 200})
		testkit.Check(t, err)
		both(t, func() error {
			for i := 0; ; i++ {
				err := a.Send(ctx, []byte{byte(i)})
				if errors.Is(err, stream.ErrCut) && i == 200 {
					return nil
				}
				if err != nil {
					return fmt.Errorf("message %d: %w", i, err)
				}
			}
		}, func() error {
			for {
				m, err := b.Receive(ctx)
				if errors.Is(err, io.ErrUnexpectedEOF) {
					return nil
				}
				if err != nil {
					return err
				}
				got = append(got, m...)
			}
		})
		return got
	}
	first := lossy()
	if len(first) < 100 || len(first) > 180 || !slices.IsSorted(first) {
		t.Errorf("%d of 200 messages arrive with a loss of 0.3: %d", len(first), first)
	}
	if !slices.Equal(first, lossy()) {
		t.Error("the same seed loses other messages")
	}
}

// Every operation is reported, and Detach goes through all layers of messages.
func TestTracedMessages(t *testing.T) {
	ctx := testkit.Watchdog(t)
	a, b := messagePair(t)
	var seen []string
	a, err := stream.TraceMessages(a, func(op stream.Op, m []byte, err error) {
		seen = append(seen, fmt.Sprintf("%s %q %v", op, m, err))
	})
	testkit.Check(t, err)
	a, err = stream.ThrottleMessages(a, stream.Rate{}, stream.Rate{})
	testkit.Check(t, err)
	testkit.Check(t, b.Send(ctx, []byte("x")))
	_, err = a.Receive(ctx)
	testkit.Check(t, err)
	testkit.Check(t, a.Send(ctx, []byte("y"), []byte("z")))
	testkit.Check(t, a.CloseSend(ctx))
	want := []string{`receive "x" <nil>`, `send "y" <nil>`, `send "z" <nil>`, `close send "" <nil>`}
	if !slices.Equal(seen, want) {
		t.Errorf("reported %q, want %q", seen, want)
	}
	var x, y *stream.Bytes
	both(t, func() (err error) { x, err = a.Detach(ctx); return err }, func() (err error) { y, err = b.Detach(ctx); return err })
	both(t, func() error { return said(ctx, x, "below") }, func() error { return echo(ctx, y) })
}

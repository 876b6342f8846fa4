// SPDX-License-Identifier: MIT

// Package timing_test runs in virtual time, over a network in memory: an hour takes no time, and is exact.
package timing_test

import (
	"context"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
)

// A silentRep receives requests, notes when, and answers none by itself.
type silentRep struct {
	*spry.Rep
	arrived chan time.Duration // since the start
	last    chan *spry.Request
}

func newSilentRep(t *testing.T, n *simnet.Net, url string) *silentRep {
	t.Helper()
	r := &silentRep{
		Rep: spry.NewRep(&spry.RepOptions{Options: testkit.Simulated(n)}), arrived: make(chan time.Duration, 100),
		last: make(chan *spry.Request, 100),
	}
	_, err := r.Listen(t.Context(), url)
	testkit.Check(t, err)
	start := time.Now()
	go func() {
		for q, err := range r.Requests(context.Background()) {
			if err != nil {
				return
			}
			r.arrived <- time.Since(start)
			r.last <- q
		}
	}()
	return r
}

func drained[T any](c chan T) (all []T) {
	for len(c) > 0 {
		all = append(all, <-c)
	}
	return all
}

// pauses collects how long a dialer waits between attempts.
func pauses(o *spry.Options) chan time.Duration {
	waits := make(chan time.Duration, 1000)
	o.Trace = func(e spry.Event) {
		if e.Kind == spry.EventBackoff {
			waits <- e.Wait
		}
	}
	return waits
}

// deaf is a Pull's end of a connection that shakes hands and then reads nothing.
func deaf(t *testing.T, n *simnet.Net, name string) {
	t.Helper()
	l, err := n.Listen(t.Context(), transport.URL{Scheme: "sim", Address: name}, transport.ListenOptions{})
	testkit.Check(t, err)
	done := make(chan struct{})
	var conn transport.Link
	go func() {
		defer close(done)
		conn, err = l.Accept()
		if err != nil {
			return
		}
		s := conn.(*transport.Stream)
		_, _ = s.Read(make([]byte, 8))
		_, _ = s.Write([]byte{0, 'S', 'P', 0, 0, 0x51, 0, 0})
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
		if conn != nil {
			_ = conn.Close()
		}
	})
}

// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A ring of three proxies, each of which passes on to the next one what it gets: only the hop count ends it.
type ring struct {
	ttl      int
	fronts   [3]*spry.Raw
	backs    [3]*spry.Raw
	entry    *spry.Endpoint
	forwards [256]atomic.Int64 // by the message's first byte
	stop     context.CancelFunc
	proxies  sync.WaitGroup
}

func newRing(ctx context.Context, t *testing.T, front, back spry.Protocol, ttl int) *ring {
	t.Helper()
	r := &ring{ttl: ttl}
	ctx, r.stop = context.WithCancel(ctx)
	o := &spry.Options{TTL: ttl, Linger: -1}
	var ends [3]*spry.Endpoint
	for i := range r.fronts {
		var err error
		r.fronts[i], err = spry.NewRaw(front, o)
		testkit.Check(t, err)
		r.backs[i], err = spry.NewRaw(back, o)
		testkit.Check(t, err)
		ends[i] = testkit.ListenOn(t, r.fronts[i], "inproc")
	}
	r.entry = ends[0]
	for i := range r.backs {
		testkit.DialTo(t, r.backs[i], ends[(i+1)%3])
	}
	for i := range r.fronts {
		r.proxies.Go(func() {
			_ = spry.Proxy(ctx, r.fronts[i], r.backs[i], &spry.ProxyOptions{Tap: func(_ *spry.Raw, m *spry.Message) {
				r.forwards[m.Bytes()[0]].Add(1)
			}})
		})
	}
	return r
}

func (r *ring) close() {
	r.stop()
	r.proxies.Wait()
	for i := range r.fronts {
		_ = r.fronts[i].Close()
		_ = r.backs[i].Close()
	}
}

// expired is how many messages were dropped for having come too far.
func (r *ring) expired() (n uint64) {
	for i := range r.fronts {
		n += r.fronts[i].Stats().Recv.Dropped["ttl"] + r.backs[i].Stats().Recv.Dropped["ttl"]
	}
	return n
}

// check waits until every message is dropped, and looks at how often each was passed on before.
func (r *ring) check(t *testing.T, what string, messages int) (most int64) {
	t.Helper()
	testkit.Eventually(t, what+": every message expires", func() bool { return r.expired() >= uint64(messages) })
	for id := range messages {
		n := r.forwards[id].Load()
		most = max(most, n)
		if n < 1 || n > int64(r.ttl) {
			t.Errorf("%s: message %d was forwarded %d times, TTL %d", what, id, n, r.ttl)
		}
	}
	if got := r.expired(); got != uint64(messages) {
		t.Errorf("%s: %d messages expired, want each of %d once", what, got, messages)
	}
	return most
}

// T18: proxies in a ring: a message ends at its hop limit.
func TestMessagesInLoopsExpire(t *testing.T) {
	leak.Check(t)
	const messages = 20
	for name, run := range map[string]func(context.Context, *testing.T, int) (*ring, func(context.Context, []byte) error, func() error){
		"req": loopRequests, "survey": loopSurveys, "pair1": loopPairs,
	} {
		var worst [16]int64
		for ttl := 1; ttl <= 15; ttl++ {
			ctx := testkit.Watchdog(t)
			r, send, end := run(ctx, t, ttl)
			for id := range messages {
				testkit.Check(t, send(ctx, []byte{byte(id)}))
			}
			worst[ttl] = r.check(t, name, messages)
			_ = end()
			r.close()
		}
		t.Logf("T18 %s: ring of 3 proxies, forwards of a message at TTL 1..15: %v", name, worst[1:])
	}
}

func loopRequests(ctx context.Context, t *testing.T, ttl int) (*ring, func(context.Context, []byte) error, func() error) {
	r := newRing(ctx, t, spry.ProtocolRep, spry.ProtocolReq, ttl)
	req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Linger: -1}, Retry: -1})
	testkit.DialTo(t, req, r.entry)
	return r, func(ctx context.Context, body []byte) error {
		m := spry.NewMessage(0)
		_, _ = m.Write(body)
		_, err := req.Start(m)
		return err
	}, req.Close
}

func loopSurveys(ctx context.Context, t *testing.T, ttl int) (*ring, func(context.Context, []byte) error, func() error) {
	r := newRing(ctx, t, spry.ProtocolRespondent, spry.ProtocolSurveyor, ttl)
	s := spry.NewSurveyor(&spry.SurveyorOptions{Options: spry.Options{Linger: -1}, Deadline: time.Millisecond})
	testkit.DialTo(t, s, r.entry)
	return r, func(ctx context.Context, body []byte) error {
		for _, err := range s.Survey(ctx, body) {
			return err
		}
		return nil
	}, s.Close
}

// loopPairs starts messages within the ring: a pair has room for one peer only.
func loopPairs(ctx context.Context, t *testing.T, ttl int) (*ring, func(context.Context, []byte) error, func() error) {
	r := newRing(ctx, t, spry.ProtocolPair1, spry.ProtocolPair1, ttl)
	return r, r.backs[2].Send, func() error { return nil }
}

// SPDX-License-Identifier: MIT

package stress_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A tally counts how often each numbered message arrived.
type tally struct {
	mu    sync.Mutex
	times map[uint64]int
}

func (c *tally) add(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times == nil {
		c.times = map[uint64]int{}
	}
	c.times[n]++
}

// A pipeline has several Push and Pull sockets, each connected to some of the others over random transports.
type pipeline struct {
	pushes   []*spry.Push
	pulls    []*spry.Pull
	accepted []uint64
	arrived  tally
}

// Sockets are connected at random, and connections end at random while messages flow. Every message that was accepted
// arrived, or is counted as dropped or unknown, and the figures of both ends agree.
func TestPipelines(t *testing.T) {
	for _, rng := range rounds(t) {
		t.Run("round", func(t *testing.T) { runPipeline(t, rng, rng.IntN(3) > 0) })
	}
}

func runPipeline(t *testing.T, rng *rand.Rand, breaks bool) {
	leak.Check(t)
	p := newPipeline(t, rng)
	var receiving, sending sync.WaitGroup
	for _, s := range p.pulls {
		receiving.Go(func() {
			for m, err := range s.Messages(context.Background()) {
				if err != nil {
					t.Error(err)
					return
				}
				p.arrived.add(binary.BigEndian.Uint64(m.Bytes()))
				m.Release()
			}
		})
	}
	messages := 200 + rng.IntN(3000)
	for i, s := range p.pushes {
		sending.Go(func() {
			body := make([]byte, 8+rand.IntN(5000))
			for range messages {
				binary.BigEndian.PutUint64(body, uint64(i)<<32|p.accepted[i])
				if err := s.Send(testkit.Watchdog(t), body); err != nil {
					t.Error(err)
					return
				}
				p.accepted[i]++
			}
		})
	}
	if breaks {
		for range rng.IntN(30) {
			time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
			p.breakOne(rng)
		}
	}
	within(t, "sending", sending.Wait)
	var unknown, dropped, sent, arrived uint64
	for _, s := range p.pushes {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if err := s.Shutdown(ctx); err != nil && !breaks {
			t.Error(err)
		}
		cancel()
		st := s.Stats()
		if why := testkit.Unbalanced(st); why != "" || st.Pending > 0 || st.Send.Queued > 0 {
			t.Errorf("a Push at rest: %s; pending %d, queued %d", why, st.Pending, st.Send.Queued)
		}
		unknown, dropped, sent = unknown+st.Send.Unknown, dropped+testkit.Sum(st.Send.Dropped), sent+st.Send.Sent
	}
	for _, s := range p.pulls {
		testkit.Eventually(t, "everything that arrived is taken", func() bool { return s.Stats().Recv.Queued == 0 && len(s.Stats().Pipes) == 0 })
		testkit.Check(t, s.Close())
		st := s.Stats()
		if why := testkit.Unbalanced(st); why != "" {
			t.Error(why)
		}
		arrived += st.Recv.Arrived
	}
	within(t, "receiving", receiving.Wait)
	var accepted uint64
	for _, n := range p.accepted {
		accepted += n
	}
	for n, times := range p.arrived.times {
		if times > 1 {
			t.Errorf("message %x arrived %d times", n, times)
		}
	}
	missing := accepted - uint64(len(p.arrived.times))
	if missing > unknown+dropped || !breaks && missing > 0 {
		t.Errorf("%d of %d messages are missing: unknown %d, dropped %d", missing, accepted, unknown, dropped)
	}
	if sent-unknown > arrived {
		t.Errorf("%d were sent, of which %d unknown, and %d arrived", sent, unknown, arrived)
	}
}

func newPipeline(t *testing.T, rng *rand.Rand) *pipeline {
	t.Helper()
	p := &pipeline{}
	o := func() spry.Options {
		return spry.Options{SendQueue: 1 + rng.IntN(100), RecvQueue: 1 + rng.IntN(100), Backoff: quick}
	}
	dir := t.TempDir()
	for range 1 + rng.IntN(4) {
		p.pulls = append(p.pulls, spry.NewPull(&spry.PullOptions{Options: o()}))
	}
	for range 1 + rng.IntN(4) {
		p.pushes = append(p.pushes, spry.NewPush(&spry.PushOptions{Options: o()}))
	}
	p.accepted = make([]uint64, len(p.pushes))
	n := 0
	join := func(push *spry.Push, pull *spry.Pull) {
		listener, dialer := anySocket(push), anySocket(pull)
		if rng.IntN(2) == 0 {
			listener, dialer = dialer, listener
		}
		n++
		scheme := schemes[rng.IntN(len(schemes))]
		e, err := listener.Listen(testkit.Watchdog(t), fresh(dir, scheme, n))
		testkit.Check(t, err)
		_, err = dialer.Connect(e.URL())
		testkit.Check(t, err)
	}
	for i, push := range p.pushes {
		join(push, p.pulls[i%len(p.pulls)]) // each has at least one
		for _, pull := range p.pulls {
			if rng.IntN(2) == 0 {
				join(push, pull)
			}
		}
	}
	return p
}

// breakOne closes one connection, at either end.
func (p *pipeline) breakOne(rng *rand.Rand) {
	var pipes []*spry.Pipe
	if rng.IntN(2) == 0 {
		for pipe := range p.pushes[rng.IntN(len(p.pushes))].Pipes() {
			pipes = append(pipes, pipe)
		}
	} else {
		for pipe := range p.pulls[rng.IntN(len(p.pulls))].Pipes() {
			pipes = append(pipes, pipe)
		}
	}
	if len(pipes) > 0 {
		_ = pipes[rng.IntN(len(pipes))].Close()
	}
}

// Publishers that wait for room lose nothing, to any subscriber, over any transport.
func TestBlockingPublishers(t *testing.T) {
	for _, rng := range rounds(t) {
		t.Run("round", func(t *testing.T) { blockingPublisher(t, rng) })
	}
}

func blockingPublisher(t *testing.T, rng *rand.Rand) {
	leak.Check(t)
	o := spry.Options{SendQueue: 1 + rng.IntN(50), RecvQueue: 1 + rng.IntN(50), Backoff: quick}
	pub := spry.NewPub(&spry.PubOptions{Options: o, Overflow: spry.Block})
	dir, subscribers := t.TempDir(), 1+rng.IntN(6)
	messages := 100 + rng.IntN(2000)
	wanting := map[string]int{} // subscribers by topic
	var receiving sync.WaitGroup
	for i := range subscribers {
		sub := spry.NewSub(&spry.SubOptions{Options: o, Overflow: spry.Block})
		topic := []string{"", "a", "b"}[rng.IntN(3)]
		testkit.Check(t, sub.Subscribe(topic))
		scheme := schemes[rng.IntN(len(schemes))]
		e, err := pub.Listen(testkit.Watchdog(t), fresh(dir, scheme, i))
		testkit.Check(t, err)
		_, err = sub.Dial(testkit.Watchdog(t), e.URL())
		testkit.Check(t, err)
		// Only ZeroMQ subscribers name their topics; the others may want everything.
		wanting[topic]++
		if !strings.HasPrefix(scheme, "zmtp") {
			wanting["all"], wanting[topic] = wanting["all"]+1, wanting[topic]-1
		}
		n := wanting["all"] + wanting[topic]
		if topic != "" {
			n += wanting[""]
		}
		testkit.Check(t, pub.WaitSubscribers(testkit.Watchdog(t), topic, n))
		receiving.Go(func() {
			defer sub.Close()
			for n := range messages {
				want := fmt.Sprintf("%s%d", string("ab"[n%2]), n)
				if topic != "" && topic != want[:1] {
					continue
				}
				body, err := sub.Recv(testkit.Watchdog(t))
				if err != nil || string(body) != want {
					t.Errorf("subscriber %d to %q received %q, %v; want %q", i, topic, body, err, want)
					return
				}
			}
		})
	}
	testkit.Check(t, pub.WaitPipes(testkit.Watchdog(t), subscribers))
	for n := range messages {
		testkit.Check(t, pub.Send(testkit.Watchdog(t), fmt.Appendf(nil, "%s%d", string("ab"[n%2]), n)))
	}
	within(t, "receiving", receiving.Wait)
	closeSender(t, pub) // a subscriber leaves when it has what it wants, before it was sent what it does not want
	if st := pub.Stats(); testkit.Unbalanced(st) != "" {
		t.Error(testkit.Unbalanced(st))
	}
}

// Requests over a chain of proxies, whose connections end at random, each get their own reply.
func TestProxiedRequests(t *testing.T) {
	for _, rng := range rounds(t) {
		t.Run("round", func(t *testing.T) { proxiedRequests(t, rng) })
	}
}

func proxiedRequests(t *testing.T, rng *rand.Rand) {
	leak.Check(t)
	dir := t.TempDir()
	o := spry.Options{Backoff: quick, Linger: -1}
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	e, err := rep.Listen(testkit.Watchdog(t), fresh(dir, schemes[rng.IntN(len(schemes))], 0))
	testkit.Check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }))
	})
	url := e.URL()
	var raws []*spry.Raw
	for hop := range rng.IntN(4) {
		front, err := spry.NewRaw(spry.ProtocolRep, &o)
		testkit.Check(t, err)
		back, err := spry.NewRaw(spry.ProtocolReq, &o)
		testkit.Check(t, err)
		_, err = back.Dial(testkit.Watchdog(t), url)
		testkit.Check(t, err)
		e, err := front.Listen(testkit.Watchdog(t), fresh(dir, schemes[rng.IntN(len(schemes))], 1+hop))
		testkit.Check(t, err)
		url = e.URL()
		raws = append(raws, front, back)
		serving.Go(func() { _ = spry.Proxy(ctx, front, back, nil) })
	}
	req := spry.NewReq(&spry.ReqOptions{Options: o, Retry: 500 * time.Millisecond})
	_, err = req.Dial(testkit.Watchdog(t), url)
	testkit.Check(t, err)
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			for k := range 50 {
				body := fmt.Sprintf("%d of %d", k, i)
				reply, err := req.Do(testkit.Watchdog(t), []byte(body))
				if err != nil && !errors.Is(err, spry.ErrPipeClosed) || err == nil && string(reply) != body {
					t.Errorf("request %q got %q, %v", body, reply, err)
				}
			}
		})
	}
	for range rng.IntN(4) { // fewer than a request's attempts
		time.Sleep(time.Duration(rng.IntN(5)) * time.Millisecond)
		for p := range req.Pipes() {
			_ = p.Close()
			break
		}
	}
	within(t, "asking", asking.Wait)
	cancel()
	testkit.Check(t, req.Close())
	closeSender(t, rep) // a request that was asked twice has two replies
	for _, r := range raws {
		_ = r.Close()
	}
	within(t, "serving", serving.Wait)
}

// closeSender closes a socket whose peers are gone: what they did not wait for may be unsent.
func closeSender(t *testing.T, s interface{ Close() error }) {
	t.Helper()
	if err := s.Close(); err != nil && !errors.Is(err, spry.ErrUnsent) {
		t.Error(err)
	}
}

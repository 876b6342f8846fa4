// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// unread dials url by a raw requester that sends n requests and never reads a reply.
func unread(t *testing.T, n *simnet.Net, protocol spry.Protocol, url string, requests int) *spry.Raw {
	t.Helper()
	o := testkit.Simulated(n)
	o.RecvQueue = 1
	raw, err := spry.NewRaw(protocol, &o)
	testkit.Check(t, err)
	_, err = raw.Dial(t.Context(), url)
	testkit.Check(t, err)
	for i := range requests {
		m := spry.NewMessage(0)
		m.SetHeader([]byte{0x80, 0, 0, byte(i)})
		testkit.Check(t, raw.SendMsg(t.Context(), m))
	}
	return raw
}

// A reply that finds no room for ReplyTimeout costs its peer the connection, and its error says which peer and what to do.
func TestReplyTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{0, 5 * time.Second, -1} {
		t.Run(timeout.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := simnet.New(1)
				o := testkit.Simulated(n)
				o.SendQueue = 1
				rep := spry.NewRep(&spry.RepOptions{Options: o, ReplyTimeout: timeout})
				defer rep.Close()
				_, err := rep.Listen(t.Context(), "sim://rep")
				testkit.Check(t, err)
				evil := unread(t, n, spry.ProtocolReq, "sim://rep", 8)
				defer evil.Close()
				var requests []*spry.Request
				for range 8 {
					r, err := rep.Recv(t.Context())
					testkit.Check(t, err)
					requests = append(requests, r)
				}
				for rep.Stats().Send.Queued == 0 { // the first ones fit into what the peer and the link take
					testkit.Check(t, requests[0].Reply(t.Context(), make([]byte, 1<<20)))
					requests = requests[1:]
					synctest.Wait()
				}
				two := requests[0]
				peer := two.Pipe().RemoteAddr().String()

				// ctx counts as before, and leaves the request as it was.
				brief, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := two.Reply(brief, nil); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, spry.ErrStalled) {
					t.Errorf("a reply whose ctx ended: %v", err)
				}
				if timeout < 0 {
					long, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
					defer cancel()
					if err := two.Reply(long, nil); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("without a limit: %v", err)
					}
					return
				}
				want := timeout
				if want == 0 {
					want = 30 * time.Second
				}
				start := time.Now()
				err = two.Reply(t.Context(), nil)
				if took := time.Since(start); took != want {
					t.Errorf("the reply failed after %v, want %v", took, want)
				}
				if !errors.Is(err, spry.ErrStalled) || !errors.Is(err, spry.ErrPipeClosed) {
					t.Errorf("the reply failed with %v", err)
				}
				for _, part := range []string{peer, "ReplyTimeout", want.String()} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q does not name %q", err, part)
					}
				}
				if err := two.Reply(t.Context(), nil); !errors.Is(err, spry.ErrReplied) {
					t.Errorf("a reply after that: %v", err)
				}
				<-two.Pipe().Done()
				if err := two.Pipe().Err(); !errors.Is(err, spry.ErrStalled) {
					t.Errorf("the pipe ended by %v", err)
				}
				synctest.Wait()
				if st := rep.Stats(); st.Send.Dropped["stalled"] != 1 || st.Send.Dropped["pipe_closed"] != 1 || testkit.Unbalanced(st) != "" {
					t.Errorf("dropped %v; %s", st.Send.Dropped, testkit.Unbalanced(st))
				}
			})
		})
	}
}

// Many peers at once that ask for replies larger than their queues, and read none, never hold all workers: each can only
// hold those that were given its requests while its queue was empty, and loses its connection for it.
func TestManyUnreadPeersLeaveAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers, evils = 4, 64
		n := simnet.New(1)
		o := testkit.Simulated(n)
		o.SendQueueBytes = 4 << 10
		rep := spry.NewRep(&spry.RepOptions{Options: o, ReplyTimeout: 10 * time.Second})
		stalled := 0
		events := rep.Events(context.Background())
		var telling, serving sync.WaitGroup
		telling.Go(func() {
			for e := range events {
				if e.Kind == spry.EventPipeDown && e.Reason == "stalled" {
					stalled++
				}
			}
		})
		_, err := rep.Listen(t.Context(), "sim://rep")
		testkit.Check(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		reply := make([]byte, 128<<10) // larger than the queue, and than what a link takes
		serving.Go(func() {
			_ = rep.Serve(ctx, workers, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
				time.Sleep(time.Millisecond)
				_ = r.Reply(ctx, reply)
			}))
		})
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n)})
		_, err = req.Dial(t.Context(), "sim://rep")
		testkit.Check(t, err)
		var raws []*spry.Raw
		for range evils {
			raws = append(raws, unread(t, n, spry.ProtocolReq, "sim://rep", 10))
		}
		start := time.Now()
		for range 200 {
			_, err := req.Do(t.Context(), nil)
			testkit.Check(t, err)
		}
		if took := time.Since(start); took > time.Second { // of 264 ms that the handlers of these and of one request a peer take
			t.Errorf("200 requests took %v", took)
		}
		time.Sleep(time.Minute)
		for range 200 {
			_, err := req.Do(t.Context(), nil)
			testkit.Check(t, err)
		}
		cancel()
		serving.Wait()
		testkit.Check(t, req.Close())
		for _, raw := range raws {
			_ = raw.Close()
		}
		_ = rep.Close()
		telling.Wait()
		st := rep.Stats()
		if stalled == 0 || st.Send.Dropped["stalled"] == 0 || st.Send.Dropped["stalled"] < uint64(stalled) {
			t.Errorf("%d connections ended as stalled, dropped are %v", stalled, st.Send.Dropped)
		}
		t.Logf("%d of %d peers lost their connections, %d replies", stalled, evils, st.Send.Dropped["stalled"])
	})
}

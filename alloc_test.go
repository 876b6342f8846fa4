// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"math"
	"runtime"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
)

const (
	allocMessages = 200_000
	allocWarmUp   = 50_000
	allocBatch    = 100
)

// allocations returns how many a message costs, over the whole process, after a warm-up.
func allocations(t *testing.T, run func(messages int)) float64 {
	t.Helper()
	run(allocWarmUp)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	run(allocMessages)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / allocMessages
}

// A flow moves n messages from a Push to a Pull. It is called again and again.
type flow struct {
	name  string
	limit float64
	send  func(ctx context.Context, push *spry.Push, n int) error
	recv  func(ctx context.Context, pull *spry.Pull, n int) error
}

var flows = []flow{
	{"SendMsg and RecvMsg", 0.01, sendMessages, recvMessages},
	{"SendBatch and RecvBatch", 0.01, sendBatches, recvBatches},
	{"SendBodies and Bodies", 0.01, sendBodies, recvBodies},
	{"Send and Bodies", 0.01, sendEach, recvBodies},
	{"Send and Recv of []byte", 1 + 0.01, sendEach, recvBytes},
	// A chunk of the queue holds 256 or 64 of these.
	{"SendBatch of messages of 1 KiB that are written again", 0.1, sendWritten(1 << 10), recvBatches},
	{"SendBatch of messages of 4 KiB that are written again", 0.2, sendWritten(4 << 10), recvBatches},
}

// The contents of a message are taken by sending it, so that one made by WrapMessage around memory that stays is
// what a sender without allocations uses; the Message itself is used again.
func sendMessages(ctx context.Context, push *spry.Push, n int) error {
	body := make([]byte, 100)
	whole := spry.WrapMessage(body, nil)
	var m spry.Message // outside of the loop: the compiler cannot know that it is not kept
	for range n {
		m = *whole
		if err := push.SendMsg(ctx, &m); err != nil {
			return err
		}
	}
	return nil
}

func recvMessages(ctx context.Context, pull *spry.Pull, n int) error {
	for range n {
		m, err := pull.RecvMsg(ctx)
		if err != nil {
			return err
		}
		m.Release()
	}
	return nil
}

func sendBatches(ctx context.Context, push *spry.Push, n int) error {
	whole := spry.WrapMessage(make([]byte, 100), nil)
	room := make([]spry.Message, allocBatch)
	batch := make([]*spry.Message, allocBatch)
	for ; n > 0; n -= allocBatch {
		for i := range batch {
			room[i] = *whole
			batch[i] = &room[i]
		}
		if _, err := push.SendBatch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// sendWritten returns a sender of batches that writes the same messages again and again.
func sendWritten(size int) func(ctx context.Context, push *spry.Push, n int) error {
	return func(ctx context.Context, push *spry.Push, n int) error {
		body := make([]byte, size)
		batch := make([]*spry.Message, allocBatch)
		for i := range batch {
			batch[i] = spry.NewMessage(size)
		}
		for ; n > 0; n -= allocBatch {
			for _, m := range batch {
				m.Write(body)
			}
			if _, err := push.SendBatch(ctx, batch); err != nil {
				return err
			}
		}
		return nil
	}
}

func recvBatches(ctx context.Context, pull *spry.Pull, n int) error {
	batch := make([]*spry.Message, allocBatch)
	for n > 0 {
		k, err := pull.RecvBatch(ctx, batch[:min(n, allocBatch)])
		if err != nil {
			return err
		}
		for _, m := range batch[:k] {
			m.Release()
		}
		n -= k
	}
	return nil
}

func sendEach(ctx context.Context, push *spry.Push, n int) error {
	body := make([]byte, 100)
	for range n {
		if err := push.Send(ctx, body); err != nil {
			return err
		}
	}
	return nil
}

func sendBodies(ctx context.Context, push *spry.Push, n int) error {
	batch := make([][]byte, allocBatch)
	for i := range batch {
		batch[i] = make([]byte, 100)
	}
	for ; n > 0; n -= allocBatch {
		if _, err := push.SendBodies(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func recvBodies(ctx context.Context, pull *spry.Pull, n int) error {
	for _, err := range pull.Bodies(ctx) {
		if err != nil {
			return err
		}
		if n--; n == 0 {
			break
		}
	}
	return nil
}

func recvBytes(ctx context.Context, pull *spry.Pull, n int) error {
	for range n {
		if _, err := pull.Recv(ctx); err != nil {
			return err
		}
	}
	return nil
}

// moreAllocations are those of WebSocket's reads of up to 64 messages, and of the records of crypto/tls, in proportion to the limits of a flow.
var moreAllocations = map[string]float64{"ws": 1, "wss": 2, "tls+tcp": 2}

func TestAllocationsPerMessage(t *testing.T) {
	if testkit.Race {
		t.Log("not counted under the race detector, which allocates by itself")
		return
	}
	o := spry.Options{Transports: []transport.Transport{tcp.Transport{}, ipc.Transport{}, tlstcp.Transport{}, ws.Transport{}}}
	for _, scheme := range []string{"tcp", "ipc", "inproc", "ws", "wss", "tls+tcp"} {
		for _, f := range flows {
			ctx := testkit.Watchdog(t)
			push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
			testkit.DialTo(t, push, testkit.ListenOn(t, pull, scheme))
			most := 0
			idle := runtime.NumGoroutine()
			per := allocations(t, func(n int) {
				sent := make(chan error, 1)
				go func() { sent <- f.send(ctx, push, n) }()
				if err := f.recv(ctx, pull, n); err != nil {
					t.Fatal(err)
				}
				most = max(most, runtime.NumGoroutine())
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
			})
			t.Logf("allocations over %s, %s: %.4f a message, goroutines %d idle, %d under load", scheme, f.name, per, idle, most)
			if limit := f.limit + moreAllocations[scheme]*(f.limit-math.Trunc(f.limit)); per > limit {
				t.Errorf("%s over %s: %.4f allocations a message, want at most %v", f.name, scheme, per, limit)
			}
			if most > idle+3 { // the sender, and the two pipes' writers at work
				t.Errorf("%s over %s: %d goroutines under load, %d when idle: load must not make more", f.name, scheme, most, idle)
			}
			testkit.Check(t, push.Close())
			testkit.Check(t, pull.Close())
		}
	}
}

func TestAllocationsPerRequest(t *testing.T) {
	if testkit.Race {
		t.Log("not counted under the race detector, which allocates by itself")
		return
	}
	const requests = 20_000
	for _, scheme := range []string{"tcp", "ipc", "inproc"} {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(nil), spry.NewRep(nil)
		testkit.DialTo(t, req, testkit.ListenOn(t, rep, scheme))
		served := make(chan struct{})
		go func() {
			defer close(served)
			for {
				r, err := rep.Recv(ctx)
				if err != nil {
					return
				}
				_ = r.Reply(ctx, r.Bytes())
			}
		}()
		body := make([]byte, 100)
		ask := func() {
			if _, err := req.Do(ctx, body); err != nil {
				t.Error(err)
			}
		}
		m := spry.NewMessage(len(body))
		askMsg := func() {
			m.Write(body) // into the memory that the last call has given back
			reply, err := req.DoMsg(ctx, m)
			if err != nil {
				t.Error(err)
				return
			}
			reply.Release()
		}
		for range requests / 10 {
			ask()
			askMsg()
		}
		per, perMsg := testing.AllocsPerRun(requests, ask), testing.AllocsPerRun(requests, askMsg)
		t.Logf("allocations over %s, with the reply: Req.Do %.2f a request, DoMsg %.2f", scheme, per, perMsg)
		if per > 3 || perMsg > 1.5 {
			t.Errorf("over %s: Req.Do %.2f allocations, want at most 3; DoMsg %.2f, want only the Rep's", scheme, per, perMsg)
		}
		testkit.Check(t, req.Close())
		testkit.Check(t, rep.Close())
		<-served
	}
}

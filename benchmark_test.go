// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// These are the instruments of who changes the hot path: both ends in one process. Comparisons with other libraries,
// across processes, are made by the bench module.

var benchmarkLinks = []string{"inproc", "tcp", "ipc"}

// oneWay runs the two loops until b.N messages are received.
func oneWay(b *testing.B, size int, send, recv func(ctx context.Context, n int) error) {
	b.SetBytes(int64(size))
	b.ReportAllocs()
	ctx := testkit.Watchdog(b)
	received := make(chan error, 1)
	b.ResetTimer()
	go func() { received <- recv(ctx, b.N) }()
	testkit.Check(b, send(ctx, b.N))
	testkit.Check(b, <-received)
}

func BenchmarkPipeline(b *testing.B) {
	for _, scheme := range benchmarkLinks {
		for _, size := range []int{16, 64, 256, 1 << 10, 8 << 10, 64 << 10, 1 << 20} {
			for mode, run := range map[string]func(*testing.B, *spry.Push, *spry.Pull, int){
				"plain": pipelinePlain, "batch": pipelineBatch, "bytes": pipelineBytes,
				"bodies": pipelineBodies, "plain to bodies": pipelinePlainToBodies,
			} {
				b.Run(fmt.Sprintf("%s/%d/%s", scheme, size, mode), func(b *testing.B) {
					push, pull := spry.NewPush(nil), spry.NewPull(nil)
					testkit.DialTo(b, push, testkit.ListenOn(b, pull, scheme))
					run(b, push, pull, size)
					b.StopTimer()
					testkit.Check(b, push.Close())
					testkit.Check(b, pull.Close())
				})
			}
		}
	}
}

// pipelinePlain sends a copy of a body and receives messages, one at a time.
func pipelinePlain(b *testing.B, push *spry.Push, pull *spry.Pull, size int) {
	oneWay(b, size, sendCopies(push, size), func(ctx context.Context, n int) error {
		for range n {
			m, err := pull.RecvMsg(ctx)
			if err != nil {
				return err
			}
			m.Release()
		}
		return nil
	})
}

// sendCopies sends a copy of a body at a time.
func sendCopies(push *spry.Push, size int) func(ctx context.Context, n int) error {
	return func(ctx context.Context, n int) error {
		body := make([]byte, size)
		for range n {
			if err := push.Send(ctx, body); err != nil {
				return err
			}
		}
		return nil
	}
}

// pipelineBytes sends and receives copies.
func pipelineBytes(b *testing.B, push *spry.Push, pull *spry.Pull, size int) {
	oneWay(b, size, sendCopies(push, size), func(ctx context.Context, n int) error {
		for range n {
			if _, err := pull.Recv(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

const benchmarkBatch = 64

func pipelineBatch(b *testing.B, push *spry.Push, pull *spry.Pull, size int) {
	oneWay(b, size, func(ctx context.Context, n int) error {
		body := make([]byte, size)
		batch := make([]*spry.Message, benchmarkBatch)
		for n > 0 {
			k := min(n, len(batch))
			for i := range batch[:k] {
				batch[i] = spry.WrapMessage(body, nil)
			}
			if _, err := push.SendBatch(ctx, batch[:k]); err != nil {
				return err
			}
			n -= k
		}
		return nil
	}, func(ctx context.Context, n int) error {
		batch := make([]*spry.Message, benchmarkBatch)
		for n > 0 {
			k, err := pull.RecvBatch(ctx, batch)
			if err != nil {
				return err
			}
			spry.ReleaseMessages(batch[:k])
			n -= k
		}
		return nil
	})
}

// pipelineBodies sends and receives bodies, many at a time.
func pipelineBodies(b *testing.B, push *spry.Push, pull *spry.Pull, size int) {
	oneWay(b, size, func(ctx context.Context, n int) error {
		body := make([]byte, size)
		batch := make([][]byte, benchmarkBatch)
		for i := range batch {
			batch[i] = body
		}
		for n > 0 {
			k, err := push.SendBodies(ctx, batch[:min(n, len(batch))])
			if err != nil {
				return err
			}
			n -= k
		}
		return nil
	}, receiveBodies(pull))
}

// pipelinePlainToBodies sends a copy of a body at a time, and receives bodies.
func pipelinePlainToBodies(b *testing.B, push *spry.Push, pull *spry.Pull, size int) {
	oneWay(b, size, sendCopies(push, size), receiveBodies(pull))
}

func receiveBodies(pull *spry.Pull) func(ctx context.Context, n int) error {
	return func(ctx context.Context, n int) error { return recvBodies(ctx, pull, n) }
}

func BenchmarkRequest(b *testing.B) {
	for _, scheme := range benchmarkLinks {
		b.Run(scheme, func(b *testing.B) {
			b.ReportAllocs()
			ctx := testkit.Watchdog(b)
			req, rep := spry.NewReq(nil), spry.NewRep(nil)
			testkit.DialTo(b, req, testkit.ListenOn(b, rep, scheme))
			served := make(chan error, 1)
			go func() {
				for r, err := range rep.Requests(ctx) {
					if err == nil {
						err = r.Reply(ctx, r.Bytes())
					}
					if err != nil {
						served <- err
						return
					}
				}
				served <- nil
			}()
			body := make([]byte, 64)
			b.ResetTimer()
			for range b.N {
				if _, err := req.Do(ctx, body); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			testkit.Check(b, req.Close())
			testkit.Check(b, rep.Close())
			testkit.Check(b, <-served)
		})
	}
}

// BenchmarkCallers has many callers share one Req, whose requests are answered by one Rep.
func BenchmarkCallers(b *testing.B) {
	const callers = 64
	for _, scheme := range benchmarkLinks {
		b.Run(scheme, func(b *testing.B) {
			b.ReportAllocs()
			ctx := testkit.Watchdog(b)
			req, rep := spry.NewReq(nil), spry.NewRep(nil)
			testkit.DialTo(b, req, testkit.ListenOn(b, rep, scheme))
			served := make(chan error, 1)
			go func() {
				for r, err := range rep.Requests(ctx) {
					if err == nil {
						err = r.Reply(ctx, r.Bytes())
					}
					if err != nil {
						served <- err
						return
					}
				}
				served <- nil
			}()
			body := make([]byte, 64)
			var calling sync.WaitGroup
			b.ResetTimer()
			for i := range callers {
				n := (b.N + i) / callers
				calling.Go(func() {
					for range n {
						if _, err := req.Do(ctx, body); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			calling.Wait()
			b.StopTimer()
			testkit.Check(b, req.Close())
			testkit.Check(b, rep.Close())
			testkit.Check(b, <-served)
		})
	}
}

// BenchmarkFanOut has one Pub send to many Subs without loss; an operation is a delivery.
func BenchmarkFanOut(b *testing.B) {
	for _, subs := range []int{8, 64} {
		b.Run(fmt.Sprint("tcp/", subs), func(b *testing.B) {
			b.ReportAllocs()
			ctx := testkit.Watchdog(b)
			pub := spry.NewPub(&spry.PubOptions{Overflow: spry.Block})
			e := testkit.ListenOn(b, pub, "tcp")
			n := b.N/subs + 1
			var receiving sync.WaitGroup
			for range subs {
				sub := spry.NewSub(&spry.SubOptions{Overflow: spry.Block})
				testkit.Check(b, sub.Subscribe(""))
				testkit.DialTo(b, sub, e)
				receiving.Go(func() {
					for range n {
						m, err := sub.RecvMsg(ctx)
						if err != nil {
							b.Error(err)
							return
						}
						m.Release()
					}
				})
				defer sub.Close()
			}
			testkit.Check(b, pub.WaitSubscribers(ctx, "", subs))
			body := make([]byte, 256)
			b.ResetTimer()
			for range n {
				if err := pub.Send(ctx, body); err != nil {
					b.Fatal(err)
				}
			}
			receiving.Wait()
			b.StopTimer()
			testkit.Check(b, pub.Close())
		})
	}
}

// BenchmarkUnwanted has one Pub send what none of its ZeroMQ subscribers wants, each of which has topics of its own.
func BenchmarkUnwanted(b *testing.B) {
	long := strings.Repeat("x", 1500)
	lengths := func(last string) (topics []string) {
		for i := range 1400 {
			topics = append(topics, long[:i]+last)
		}
		return topics
	}
	for _, c := range []struct {
		name   string
		subs   int
		topics func(i int) []string
		body   string
	}{
		{"1 subscriber", 1, func(i int) []string { return []string{fmt.Sprintf("topic-%04d", i)} }, "topic-none"},
		{"10 subscribers", 10, func(i int) []string { return []string{fmt.Sprintf("topic-%04d", i)} }, "topic-none"},
		{"100 subscribers", 100, func(i int) []string { return []string{fmt.Sprintf("topic-%04d", i)} }, "topic-none"},
		{"1000 subscribers", 1000, func(i int) []string { return []string{fmt.Sprintf("topic-%04d", i)} }, "topic-none"},
		{"1000 subscribers, a near miss", 1000, func(i int) []string { return []string{fmt.Sprintf("topic-%04d", i)} }, "topic-0012"[:9] + "x"},
		{"1400 lengths", 1, func(int) []string { return lengths("w") }, long},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx := testkit.Watchdog(b)
			pub := spry.NewPub(nil)
			defer pub.Close()
			e := testkit.ListenOn(b, pub, "zmtp+tcp")
			want := 0
			for i := range c.subs {
				sub := spry.NewSub(nil)
				defer sub.Close()
				topics := c.topics(i)
				testkit.Check(b, sub.Subscribe(append(topics, "settled")...))
				testkit.DialTo(b, sub, e)
				want++
			}
			testkit.Check(b, pub.WaitSubscribers(ctx, "settled", want))
			body := []byte(c.body)
			b.ReportAllocs()
			for b.Loop() {
				if err := pub.Send(ctx, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

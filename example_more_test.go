// SPDX-License-Identifier: MIT

package spry_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sprymq/spry"
)

// apart are options with inproc names of their own, so that examples do not meet.
func apart() spry.Options { return spry.Options{Network: spry.NewNetwork()} }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleSocket_Attach() {
	ctx := context.Background()
	mine, yours := net.Pipe()
	pull := spry.NewPull(nil)
	defer pull.Close()
	attached := make(chan error)
	go func() {
		_, err := pull.Attach(ctx, yours, &spry.AttachConfig{Listening: true})
		attached <- err
	}()
	push := spry.NewPush(nil)
	defer push.Close()
	_, err := push.Attach(ctx, mine, nil)
	check(err)
	check(<-attached)

	check(push.Send(ctx, []byte("over my own connection")))
	m, err := pull.Recv(ctx)
	check(err)
	fmt.Printf("%s\n", m)
	// Output: over my own connection
}

func ExampleProxy() {
	ctx, o := context.Background(), apart()
	front, err := spry.NewRaw(spry.ProtocolRep, &o)
	check(err)
	back, err := spry.NewRaw(spry.ProtocolReq, &o)
	check(err)
	_, err = front.Listen(ctx, "inproc://front")
	check(err)
	_, err = back.Listen(ctx, "inproc://back")
	check(err)
	ended := make(chan error)
	go func() { ended <- spry.Proxy(ctx, front, back, nil) }()

	rep := spry.NewRep(&spry.RepOptions{Options: o})
	_, err = rep.Dial(ctx, "inproc://back")
	check(err)
	served := make(chan error)
	go func() {
		served <- rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			check(r.Reply(ctx, r.Bytes()))
		}))
	}()
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	_, err = req.Dial(ctx, "inproc://front")
	check(err)
	reply, err := req.Do(ctx, []byte("through the proxy"))
	check(err)
	fmt.Printf("%s\n", reply)

	check(req.Close())
	check(rep.Close())
	check(<-served)
	check(front.Close())
	fmt.Println(errors.Is(<-ended, spry.ErrClosed))
	check(back.Close())
	// Output:
	// through the proxy
	// true
}

type point struct{ X, Y int }

func ExampleTypedSender() {
	ctx, o := context.Background(), apart()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://points")
	check(err)
	_, err = push.Dial(ctx, "inproc://points")
	check(err)

	points := spry.TypedSender[point]{S: push}
	check(points.Send(ctx, point{3, 4}))
	for p, err := range (spry.TypedReceiver[point]{R: pull}).All(ctx) {
		check(err)
		fmt.Println(p.X + p.Y)
		break
	}
	// Output: 7
}

func ExampleNewCaller() {
	ctx, o := context.Background(), apart()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	_, err := rep.Listen(ctx, "inproc://swap")
	check(err)
	swap := func(_ context.Context, p point) (point, error) { return point{p.Y, p.X}, nil }
	served := make(chan error)
	go func() { served <- rep.Serve(ctx, 1, spry.HandleTyped(swap)) }()
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	_, err = req.Dial(ctx, "inproc://swap")
	check(err)
	p, err := spry.NewCaller[point, point](req).Call(ctx, point{1, 2})
	check(err)
	fmt.Println(p)
	check(req.Close())
	check(rep.Close())
	check(<-served)
	// Output: {2 1}
}

func ExampleMerge() {
	ctx, o := context.Background(), apart()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	var pulls []spry.Receiver
	for _, url := range []string{"inproc://a", "inproc://b"} {
		pull := spry.NewPull(&spry.PullOptions{Options: o})
		defer pull.Close()
		_, err := pull.Listen(ctx, url)
		check(err)
		_, err = push.Dial(ctx, url)
		check(err)
		pulls = append(pulls, pull)
	}
	check(push.Send(ctx, []byte("x"))) // to one
	check(push.Send(ctx, []byte("x"))) // to the other
	n := 0
	for m, err := range spry.Merge(ctx, pulls...) {
		check(err)
		n += m.Len()
		if n == 2 {
			break
		}
	}
	fmt.Println(n)
	// Output: 2
}

func ExampleOptions_trace() {
	ctx, o := context.Background(), apart()
	up := make(chan string, 1)
	o.Trace = func(e spry.Event) {
		if e.Kind == spry.EventPipeUp {
			up <- e.Endpoint.URL()
		}
	}
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	_, err := pull.Listen(ctx, "inproc://seen")
	check(err)
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Network: o.Network}})
	defer push.Close()
	_, err = push.Dial(ctx, "inproc://seen")
	check(err)
	fmt.Println(<-up)
	// Output: inproc://seen
}

func ExampleSocket_Events() {
	ctx, o := context.Background(), apart()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	events := pull.Events(ctx) // from here on
	_, err := pull.Listen(ctx, "inproc://watched")
	check(err)
	check(pull.Close())
	for e := range events {
		fmt.Println(e.Kind)
	}
	// Output: listening
}

func ExampleSocket_Stats() {
	ctx, o := context.Background(), apart()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://counted")
	check(err)
	_, err = push.Dial(ctx, "inproc://counted")
	check(err)
	for range 3 {
		check(push.Send(ctx, []byte("one")))
	}
	check(push.Flush(ctx)) // until all three are with the peer
	_, err = pull.Recv(ctx)
	check(err)
	sent, received := push.Stats().Send, pull.Stats().Recv
	fmt.Println(sent.Offered, "offered,", sent.Sent, "sent")
	fmt.Println(received.Arrived, "arrived,", received.Delivered, "delivered,", received.Queued, "queued")
	// Output:
	// 3 offered, 3 sent
	// 3 arrived, 1 delivered, 2 queued
}

func ExampleSocket_Shutdown() {
	ctx, o := context.Background(), apart()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Network: o.Network, RecvQueue: 1}})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	_, err := pull.Listen(ctx, "inproc://slow")
	check(err)
	_, err = push.Dial(ctx, "inproc://slow")
	check(err)
	for range 5 {
		check(push.Send(ctx, []byte("job")))
	}
	// Nobody receives: one message is with the peer, and the others stay behind.
	soon, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	fmt.Println(errors.Is(push.Shutdown(soon), spry.ErrUnsent))
	// Output: true
}

func ExampleSocket_Flush() {
	ctx, o := context.Background(), apart()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://flushed")
	check(err)
	_, err = push.Dial(ctx, "inproc://flushed")
	check(err)
	check(push.Send(ctx, []byte("on its way")))
	check(push.Flush(ctx))
	fmt.Println(push.Stats().Send.Queued)
	// Output: 0
}

// A worker stops. It receives what its peers have sent, and they send the rest elsewhere.
func ExamplePull_Drain() {
	ctx, o := context.Background(), apart()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://worker")
	check(err)
	_, err = push.Dial(ctx, "inproc://worker")
	check(err)
	for _, job := range []string{"one", "two", "three"} {
		check(push.Send(ctx, []byte(job)))
	}
	check(push.Flush(ctx))

	var report spry.DrainReport
	var draining sync.WaitGroup
	draining.Go(func() {
		limit, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		report, err = pull.Drain(limit)
	})
	for job, err := range pull.Bodies(ctx) { // ends when everything was taken
		check(err)
		fmt.Printf("%s\n", job)
	}
	draining.Wait()
	check(err)
	fmt.Println(report.Left, "left")
	// Output:
	// one
	// two
	// three
	// 0 left
}

// A service stops. It answers the requests that it has received.
func ExampleRep_Drain() {
	ctx, o := context.Background(), apart()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	defer req.Close()
	_, err := rep.Listen(ctx, "inproc://service")
	check(err)
	_, err = req.Dial(ctx, "inproc://service")
	check(err)
	began := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() {
		check(rep.Serve(ctx, 8, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			close(began)
			check(r.Reply(ctx, []byte("answer")))
		})))
	})
	call, err := req.Start(spry.NewMessage(0))
	check(err)
	<-began

	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	report, err := rep.Drain(limit)
	check(err)
	serving.Wait() // Handle ends with the socket
	answer, err := call.Wait(ctx)
	check(err)
	fmt.Printf("%s\n", answer.Bytes())
	fmt.Println(report.Unanswered, "requests are not answered")
	// Output:
	// answer
	// 0 requests are not answered
}

// An interceptor signs what is sent, and another checks what is received.
func ExampleInterceptor() {
	sum := func(body []byte) []byte { return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)) }
	checked := spry.InterceptorFuncs{
		Send: func(next spry.OperationFunc) spry.OperationFunc {
			return func(ctx context.Context, o *spry.Operation) error {
				for _, m := range o.Messages() {
					_, _ = m.Write(sum(m.Bytes()))
				}
				return next(ctx, o)
			}
		},
		Recv: func(next spry.OperationFunc) spry.OperationFunc {
			return func(ctx context.Context, o *spry.Operation) error {
				err := next(ctx, o)
				for i, m := range slices.Backward(o.Messages()) {
					body := m.Bytes()
					end := max(len(body)-4, 0)
					if !bytes.Equal(sum(body[:end]), body[end:]) {
						o.Discard(i) // counted as "intercepted"
						continue
					}
					m.SetFrames(body[:end])
				}
				return err
			}
		},
	}
	ctx := context.Background()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Interceptors: []spry.Interceptor{checked}}})
	defer pull.Close()
	if _, err := pull.Listen(ctx, "inproc://checked"); err != nil {
		log.Fatal(err)
	}
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Interceptors: []spry.Interceptor{checked}}})
	defer push.Close()
	stranger := spry.NewPush(nil)
	defer stranger.Close()
	for _, s := range []*spry.Push{stranger, push} {
		if _, err := s.Dial(ctx, "inproc://checked"); err != nil {
			log.Fatal(err)
		}
		if err := s.Send(ctx, []byte("hello")); err != nil {
			log.Fatal(err)
		}
	}
	body, err := pull.Recv(ctx)
	fmt.Println(string(body), err)
	// Output: hello <nil>
}

// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/sprymq/spry"
)

func ExampleSocket_Attach() {
	ctx := context.Background()
	mine, yours := net.Pipe()
	pull := spry.NewPull(nil)
	defer pull.Close()
	attached := make(chan error)
	go func() {
		_, err := pull.Attach(ctx, yours, &spry.AttachConfig{Role: spry.RoleListen})
		attached <- err
	}()
	push := spry.NewPush(nil)
	defer push.Close()
	_, err := push.Attach(ctx, mine, nil)
	must(err)
	must(<-attached)

	must(push.Send(ctx, []byte("over my own connection")))
	m, err := pull.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", m)
	// Output: over my own connection
}

func ExampleProxy() {
	ctx, o := context.Background(), private()
	front, err := spry.NewRaw(spry.ProtocolRep, &o)
	must(err)
	back, err := spry.NewRaw(spry.ProtocolReq, &o)
	must(err)
	_, err = front.Listen(ctx, "inproc://front")
	must(err)
	_, err = back.Listen(ctx, "inproc://back")
	must(err)
	ended := make(chan error)
	go func() { ended <- spry.Proxy(ctx, front, back, nil) }()

	rep := spry.NewRep(&spry.RepOptions{Options: o})
	_, err = rep.Dial(ctx, "inproc://back")
	must(err)
	served := make(chan error)
	go func() {
		served <- rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			must(r.Reply(ctx, r.Bytes()))
		}))
	}()
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	_, err = req.Dial(ctx, "inproc://front")
	must(err)
	reply, err := req.Do(ctx, []byte("through the proxy"))
	must(err)
	fmt.Printf("%s\n", reply)

	must(req.Close())
	must(rep.Close())
	must(<-served)
	must(front.Close())
	fmt.Println(errors.Is(<-ended, spry.ErrClosed))
	must(back.Close())
	// Output:
	// through the proxy
	// true
}

type point struct{ X, Y int }

func ExampleTypedSender() {
	ctx, o := context.Background(), private()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://points")
	must(err)
	_, err = push.Dial(ctx, "inproc://points")
	must(err)

	points := spry.TypedSender[point]{S: push}
	must(points.Send(ctx, point{3, 4}))
	for p, err := range (spry.TypedReceiver[point]{R: pull}).All(ctx) {
		must(err)
		fmt.Println(p.X + p.Y)
		break
	}
	// Output: 7
}

func ExampleNewCaller() {
	ctx, o := context.Background(), private()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	_, err := rep.Listen(ctx, "inproc://swap")
	must(err)
	swap := func(_ context.Context, p point) (point, error) { return point{p.Y, p.X}, nil }
	served := make(chan error)
	go func() { served <- rep.Serve(ctx, 1, spry.HandleTyped(swap)) }()
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	_, err = req.Dial(ctx, "inproc://swap")
	must(err)
	p, err := spry.NewCaller[point, point](req).Call(ctx, point{1, 2})
	must(err)
	fmt.Println(p)
	must(req.Close())
	must(rep.Close())
	must(<-served)
	// Output: {2 1}
}

func ExampleMerge() {
	ctx, o := context.Background(), private()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	var pulls []spry.Receiver
	for _, url := range []string{"inproc://a", "inproc://b"} {
		pull := spry.NewPull(&spry.PullOptions{Options: o})
		defer pull.Close()
		_, err := pull.Listen(ctx, url)
		must(err)
		_, err = push.Dial(ctx, url)
		must(err)
		pulls = append(pulls, pull)
	}
	must(push.Send(ctx, []byte("x"))) // to one
	must(push.Send(ctx, []byte("x"))) // to the other
	n := 0
	for m, err := range spry.Merge(ctx, pulls...) {
		must(err)
		n += m.Len()
		if n == 2 {
			break
		}
	}
	fmt.Println(n)
	// Output: 2
}

func ExampleTrace() {
	ctx, o := context.Background(), private()
	up := make(chan string, 1)
	o.Trace = &spry.Trace{PipeUp: func(e spry.Event) { up <- e.Endpoint.URL() }}
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	_, err := pull.Listen(ctx, "inproc://seen")
	must(err)
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Network: o.Network}})
	defer push.Close()
	_, err = push.Dial(ctx, "inproc://seen")
	must(err)
	fmt.Println(<-up)
	// Output: inproc://seen
}

func ExampleSocket_Events() {
	ctx, o := context.Background(), private()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	events := pull.Events(ctx) // from here on
	_, err := pull.Listen(ctx, "inproc://watched")
	must(err)
	must(pull.Close())
	for e := range events {
		fmt.Println(e.Kind)
	}
	// Output: listening
}

func ExampleSocket_Stats() {
	ctx, o := context.Background(), private()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://counted")
	must(err)
	_, err = push.Dial(ctx, "inproc://counted")
	must(err)
	for range 3 {
		must(push.Send(ctx, []byte("one")))
	}
	must(push.Flush(ctx)) // until all three are with the peer
	_, err = pull.Recv(ctx)
	must(err)
	sent, received := push.Stats().Send, pull.Stats().Recv
	fmt.Println(sent.Offered, "offered,", sent.Sent, "sent")
	fmt.Println(received.Arrived, "arrived,", received.Delivered, "delivered,", received.Queued, "queued")
	// Output:
	// 3 offered, 3 sent
	// 3 arrived, 1 delivered, 2 queued
}

func ExampleSocket_Shutdown() {
	ctx, o := context.Background(), private()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Network: o.Network, RecvQueue: 1}})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	_, err := pull.Listen(ctx, "inproc://slow")
	must(err)
	_, err = push.Dial(ctx, "inproc://slow")
	must(err)
	for range 5 {
		must(push.Send(ctx, []byte("job")))
	}
	// Nobody receives: one message is with the peer, and the others stay behind.
	soon, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	fmt.Println(errors.Is(push.Shutdown(soon), spry.ErrUnsent))
	// Output: true
}

func ExampleSocket_Flush() {
	ctx, o := context.Background(), private()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://flushed")
	must(err)
	_, err = push.Dial(ctx, "inproc://flushed")
	must(err)
	must(push.Send(ctx, []byte("on its way")))
	must(push.Flush(ctx))
	fmt.Println(push.Stats().Send.Queued)
	// Output: 0
}

// A worker stops. It receives what its peers have sent, and they send the rest elsewhere.
func ExamplePull_Drain() {
	ctx, o := context.Background(), private()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://worker")
	must(err)
	_, err = push.Dial(ctx, "inproc://worker")
	must(err)
	for _, job := range []string{"one", "two", "three"} {
		must(push.Send(ctx, []byte(job)))
	}
	must(push.Flush(ctx))

	var report spry.DrainReport
	var draining sync.WaitGroup
	draining.Go(func() {
		limit, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		report, err = pull.Drain(limit)
	})
	for m, err := range pull.Messages(ctx) { // ends when everything was taken
		must(err)
		fmt.Printf("%s\n", m.Bytes())
		m.Release()
	}
	draining.Wait()
	must(err)
	fmt.Println(report.Left, "left")
	// Output:
	// one
	// two
	// three
	// 0 left
}

// A service stops. It answers the requests that it has received.
func ExampleRep_Drain() {
	ctx, o := context.Background(), private()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	defer req.Close()
	_, err := rep.Listen(ctx, "inproc://service")
	must(err)
	_, err = req.Dial(ctx, "inproc://service")
	must(err)
	began := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() {
		must(rep.Serve(ctx, 8, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			close(began)
			must(r.Reply(ctx, []byte("answer")))
		})))
	})
	call, err := req.Start(spry.NewMessage(0))
	must(err)
	<-began

	limit, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	report, err := rep.Drain(limit)
	must(err)
	serving.Wait() // Handle ends with the socket
	answer, err := call.Wait(ctx)
	must(err)
	fmt.Printf("%s\n", answer.Bytes())
	fmt.Println(report.Unanswered, "requests are not answered")
	// Output:
	// answer
	// 0 requests are not answered
}

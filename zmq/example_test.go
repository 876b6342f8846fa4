// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

// failOn ends an example that does not work.
func failOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A pipeline: each job goes to one worker. Messages have any number of frames.
func Example_pipeline() {
	ctx := context.Background()
	pull := zmq.NewPull(nil)
	defer pull.Close()
	push := zmq.NewPush(nil)
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://jobs")
	failOn(err)
	_, err = push.Dial(ctx, "inproc://jobs")
	failOn(err)

	failOn(push.Send(ctx, []byte("resize"), []byte("photo.png")))
	frames, err := pull.Recv(ctx)
	failOn(err)
	fmt.Printf("%s of %s\n", frames[0], frames[1])
	// Output: resize of photo.png
}

// A subscriber is sent what begins with one of its topics: the first frame counts.
func Example_pubsub() {
	ctx := context.Background()
	pub := zmq.NewPub(nil)
	defer pub.Close()
	sub := zmq.NewSub(nil)
	defer sub.Close()
	_, err := pub.Listen(ctx, "inproc://weather")
	failOn(err)
	failOn(sub.Subscribe("berlin."))
	_, err = sub.Dial(ctx, "inproc://weather")
	failOn(err)
	failOn(pub.WaitSubscribers(ctx, "berlin.", 1)) // who comes late has missed what was sent

	failOn(pub.Send(ctx, []byte("oslo.wind"), []byte("12 m/s")))
	failOn(pub.Send(ctx, []byte("berlin.rain"), []byte("none")))
	frames, err := sub.Recv(ctx)
	failOn(err)
	fmt.Printf("%s: %s\n", frames[0], frames[1])
	// Output: berlin.rain: none
}

// A Rep answers requests of any number of Reqs, here four at a time.
func Example_reqrep() {
	ctx := context.Background()
	rep := zmq.NewRep(nil)
	_, err := rep.Listen(ctx, "inproc://greeter")
	failOn(err)
	done := make(chan error)
	go func() {
		done <- rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			_ = r.ReplyMsg(ctx, zmq.NewMessage([]byte("hello"), r.Bytes()))
		}))
	}()

	req := zmq.NewReq(nil)
	_, err = req.Dial(ctx, "inproc://greeter")
	failOn(err)
	reply, err := req.Do(ctx, []byte("world"))
	failOn(err)
	fmt.Printf("%s, %s\n", reply[0], reply[1])
	failOn(req.Close())
	failOn(rep.Close())
	failOn(<-done)
	// Output: hello, world
}

// A Router knows each peer by its identity: the first frame of what it receives, and of what it sends.
func ExampleRouter() {
	ctx := context.Background()
	router := zmq.NewRouter(nil)
	defer router.Close()
	_, err := router.Listen(ctx, "inproc://office")
	failOn(err)
	worker := zmq.NewDealer(&zmq.DealerOptions{Options: zmq.Options{Identity: "ann"}})
	defer worker.Close()
	_, err = worker.Dial(ctx, "inproc://office")
	failOn(err)

	failOn(worker.Send(ctx, []byte("ready")))
	frames, err := router.Recv(ctx)
	failOn(err)
	fmt.Printf("%s is %s\n", frames[0], frames[1])

	failOn(router.SendTo(ctx, "ann", []byte("dig"), []byte("a hole")))
	job, err := worker.Recv(ctx)
	failOn(err)
	fmt.Printf("%s %s\n", job[0], job[1])

	fmt.Println(router.SendTo(ctx, "bob", []byte("help her")))
	// Output:
	// ann is ready
	// dig a hole
	// spry: send: no peer is connected: no connected peer has identity "bob"
}

// A Dealer asks without waiting for the answers. To a Rep, a message begins with an empty frame.
func ExampleDealer() {
	ctx := context.Background()
	rep := zmq.NewRep(nil)
	defer rep.Close()
	_, err := rep.Listen(ctx, "inproc://squares")
	failOn(err)
	dealer := zmq.NewDealer(nil)
	defer dealer.Close()
	_, err = dealer.Dial(ctx, "inproc://squares")
	failOn(err)

	for _, n := range []string{"2", "3"} {
		failOn(dealer.Send(ctx, nil, []byte(n)))
	}
	for range 2 {
		r, err := rep.Recv(ctx)
		failOn(err)
		n := int(r.Bytes()[0] - '0')
		failOn(r.Reply(ctx, fmt.Append(nil, n*n)))
	}
	for range 2 {
		frames, err := dealer.Recv(ctx)
		failOn(err)
		fmt.Printf("%q\n", frames)
	}
	// Output:
	// ["" "4"]
	// ["" "9"]
}

// An XPub is told what is subscribed to, and can send the last value of a topic to who asks for it later.
func ExampleXPub() {
	ctx := context.Background()
	pub := zmq.NewXPub(&zmq.XPubOptions{LastValues: 100})
	defer pub.Close()
	_, err := pub.Listen(ctx, "inproc://prices")
	failOn(err)
	failOn(pub.Send(ctx, []byte("tea"), []byte("3.20")))
	failOn(pub.Send(ctx, []byte("tea"), []byte("3.40"))) // nobody is there yet

	sub := zmq.NewSub(nil)
	defer sub.Close()
	_, err = sub.Dial(ctx, "inproc://prices")
	failOn(err)
	failOn(sub.Subscribe("tea"))
	for s, err := range pub.Subscriptions(ctx) {
		failOn(err)
		fmt.Printf("somebody wants %s\n", s.Topic)
		break
	}
	frames, err := sub.Recv(ctx)
	failOn(err)
	fmt.Printf("%s: %s\n", frames[0], frames[1])
	// Output:
	// somebody wants tea
	// tea: 3.40
}

// An XSub and an XPub make a forwarder: messages go one way, and subscriptions the other.
func ExampleXSub() {
	ctx := context.Background()
	front, back := zmq.NewXSub(nil), zmq.NewXPub(nil)
	_, err := front.Listen(ctx, "inproc://from-publishers")
	failOn(err)
	_, err = back.Listen(ctx, "inproc://to-subscribers")
	failOn(err)
	done := make(chan bool)
	forward := func(from spry.Receiver, to spry.Sender) {
		for m, err := range spry.Merge(ctx, from) {
			if err != nil || to.SendMsg(ctx, m.Message) != nil {
				break
			}
		}
		done <- true
	}
	go forward(front, back)
	go forward(back, front)

	sub := zmq.NewSub(nil)
	failOn(sub.Subscribe("a"))
	_, err = sub.Dial(ctx, "inproc://to-subscribers")
	failOn(err)
	pub := zmq.NewPub(nil)
	_, err = pub.Dial(ctx, "inproc://from-publishers")
	failOn(err)
	failOn(pub.WaitSubscribers(ctx, "a", 1)) // which the forwarder passed on
	failOn(pub.Send(ctx, []byte("a"), []byte("through")))
	frames, err := sub.Recv(ctx)
	failOn(err)
	fmt.Printf("%s %s\n", frames[0], frames[1])

	for _, s := range []interface{ Close() error }{pub, sub, front, back} {
		failOn(s.Close())
	}
	<-done
	<-done
	// Output: a through
}

// A Server answers each client by the pipe that the question came from.
func ExampleServer() {
	ctx := context.Background()
	server := zmq.NewServer(nil)
	defer server.Close()
	_, err := server.Listen(ctx, "inproc://clock")
	failOn(err)
	client := zmq.NewClient(nil)
	defer client.Close()
	_, err = client.Dial(ctx, "inproc://clock")
	failOn(err)

	failOn(client.Send(ctx, []byte("what time is it?")))
	m, err := server.RecvMsg(ctx)
	failOn(err)
	failOn(server.SendTo(ctx, m.Pipe(), []byte("noon")))
	answer, err := client.Recv(ctx)
	failOn(err)
	fmt.Printf("%s\n", answer)
	// Output: noon
}

// A Dish is sent what is for the groups that it joined.
func ExampleRadio() {
	ctx := context.Background()
	radio := zmq.NewRadio(nil)
	defer radio.Close()
	_, err := radio.Listen(ctx, "inproc://fm")
	failOn(err)
	dish := zmq.NewDish(nil)
	defer dish.Close()
	_, err = dish.Dial(ctx, "inproc://fm")
	failOn(err)
	failOn(dish.Join("jazz"))
	failOn(radio.WaitSubscribers(ctx, "jazz", 1))

	failOn(radio.Send(ctx, "jazzy", []byte("another group")))
	failOn(radio.Send(ctx, "jazz", []byte("so what")))
	group, body, err := dish.Recv(ctx)
	failOn(err)
	fmt.Printf("%s: %s\n", group, body)
	// Output: jazz: so what
}

// A Scatter and a Gather are a Push and a Pull whose messages have one frame.
func ExampleScatter() {
	ctx := context.Background()
	gather := zmq.NewGather(nil)
	defer gather.Close()
	scatter := zmq.NewScatter(nil)
	defer scatter.Close()
	_, err := gather.Listen(ctx, "inproc://leaves")
	failOn(err)
	_, err = scatter.Dial(ctx, "inproc://leaves")
	failOn(err)

	failOn(scatter.Send(ctx, []byte("a leaf")))
	body, err := gather.Recv(ctx)
	failOn(err)
	fmt.Printf("%s\n", body)
	fmt.Println(scatter.SendMsg(ctx, zmq.NewMessage([]byte("two"), []byte("leaves"))))
	// Output:
	// a leaf
	// spry: send: messages of this kind of socket have one frame: this has 2
}

// A Pair has one peer, and both can send.
func ExamplePair() {
	ctx := context.Background()
	a, b := zmq.NewPair(nil), zmq.NewPair(nil)
	defer b.Close()
	defer a.Close()
	_, err := b.Listen(ctx, "inproc://table")
	failOn(err)
	_, err = a.Dial(ctx, "inproc://table")
	failOn(err)

	failOn(a.Send(ctx, []byte("ping")))
	frames, err := b.Recv(ctx)
	failOn(err)
	failOn(b.Send(ctx, append(frames, []byte("pong"))...))
	frames, err = a.Recv(ctx)
	failOn(err)
	fmt.Printf("%s\n", frames)
	// Output: [ping pong]
}

// Sockets of both packages talk to each other, in a process and between them.
func Example_bothPackages() {
	ctx := context.Background()
	pull := spry.NewPull(nil) // takes peers of both families on one port
	defer pull.Close()
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	failOn(err)
	push := zmq.NewPush(nil)
	defer push.Close()
	_, err = push.Dial(ctx, e.URL())
	failOn(err)

	failOn(push.Send(ctx, []byte("hello")))
	body, err := pull.Recv(ctx)
	failOn(err)
	fmt.Printf("%s\n", body)
	// Output: hello
}

// A worker stops. It receives what its peers have sent, and they send the rest elsewhere.
func ExamplePull_Drain() {
	ctx := context.Background()
	pull, push := zmq.NewPull(nil), zmq.NewPush(nil)
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://worker")
	failOn(err)
	_, err = push.Dial(ctx, "inproc://worker")
	failOn(err)
	for _, job := range []string{"one", "two", "three"} {
		failOn(push.Send(ctx, []byte(job)))
	}
	failOn(push.Flush(ctx))

	var draining sync.WaitGroup
	draining.Go(func() {
		limit, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		_, err = pull.Drain(limit)
	})
	for m, err := range pull.Messages(ctx) { // ends when everything was taken
		failOn(err)
		fmt.Printf("%s\n", m.Bytes())
		m.Release()
	}
	draining.Wait()
	failOn(err)
	// Output:
	// one
	// two
	// three
}

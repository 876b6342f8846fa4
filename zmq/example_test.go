// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

func must(err error) {
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
	must(err)
	_, err = push.Dial(ctx, "inproc://jobs")
	must(err)

	must(push.Send(ctx, []byte("resize"), []byte("photo.png")))
	frames, err := pull.Recv(ctx)
	must(err)
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
	must(err)
	must(sub.Subscribe("berlin."))
	_, err = sub.Dial(ctx, "inproc://weather")
	must(err)
	must(pub.WaitSubscribers(ctx, "berlin.", 1)) // who comes late has missed what was sent

	must(pub.Send(ctx, []byte("oslo.wind"), []byte("12 m/s")))
	must(pub.Send(ctx, []byte("berlin.rain"), []byte("none")))
	frames, err := sub.Recv(ctx)
	must(err)
	fmt.Printf("%s: %s\n", frames[0], frames[1])
	// Output: berlin.rain: none
}

// A Rep answers requests of any number of Reqs, here four at a time.
func Example_reqrep() {
	ctx := context.Background()
	rep := zmq.NewRep(nil)
	_, err := rep.Listen(ctx, "inproc://greeter")
	must(err)
	done := make(chan error)
	go func() {
		done <- rep.Handle(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			_ = r.ReplyMsg(ctx, zmq.NewMessage([]byte("hello"), r.Bytes()))
		}))
	}()

	req := zmq.NewReq(nil)
	_, err = req.Dial(ctx, "inproc://greeter")
	must(err)
	reply, err := req.Do(ctx, []byte("world"))
	must(err)
	fmt.Printf("%s, %s\n", reply[0], reply[1])
	must(req.Close())
	must(rep.Close())
	must(<-done)
	// Output: hello, world
}

// A Router knows each peer by its identity: the first frame of what it receives, and of what it sends.
func ExampleRouter() {
	ctx := context.Background()
	router := zmq.NewRouter(nil)
	defer router.Close()
	_, err := router.Listen(ctx, "inproc://office")
	must(err)
	worker := zmq.NewDealer(&zmq.DealerOptions{Options: zmq.Options{Identity: "ann"}})
	defer worker.Close()
	_, err = worker.Dial(ctx, "inproc://office")
	must(err)

	must(worker.Send(ctx, []byte("ready")))
	frames, err := router.Recv(ctx)
	must(err)
	fmt.Printf("%s is %s\n", frames[0], frames[1])

	must(router.SendTo(ctx, "ann", []byte("dig"), []byte("a hole")))
	job, err := worker.Recv(ctx)
	must(err)
	fmt.Printf("%s %s\n", job[0], job[1])

	fmt.Println(router.SendTo(ctx, "bob", []byte("help her")))
	// Output:
	// ann is ready
	// dig a hole
	// spry: send: no peer is connected: nobody is called "bob"
}

// A Dealer asks without waiting for the answers. To a Rep, a message begins with an empty frame.
func ExampleDealer() {
	ctx := context.Background()
	rep := zmq.NewRep(nil)
	defer rep.Close()
	_, err := rep.Listen(ctx, "inproc://squares")
	must(err)
	dealer := zmq.NewDealer(nil)
	defer dealer.Close()
	_, err = dealer.Dial(ctx, "inproc://squares")
	must(err)

	for _, n := range []string{"2", "3"} {
		must(dealer.Send(ctx, nil, []byte(n)))
	}
	for range 2 {
		r, err := rep.Recv(ctx)
		must(err)
		n := int(r.Bytes()[0] - '0')
		must(r.Reply(ctx, fmt.Append(nil, n*n)))
	}
	for range 2 {
		frames, err := dealer.Recv(ctx)
		must(err)
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
	must(err)
	must(pub.Send(ctx, []byte("tea"), []byte("3.20")))
	must(pub.Send(ctx, []byte("tea"), []byte("3.40"))) // nobody is there yet

	sub := zmq.NewSub(nil)
	defer sub.Close()
	_, err = sub.Dial(ctx, "inproc://prices")
	must(err)
	must(sub.Subscribe("tea"))
	for s, err := range pub.Subscriptions(ctx) {
		must(err)
		fmt.Printf("somebody wants %s\n", s.Topic)
		break
	}
	frames, err := sub.Recv(ctx)
	must(err)
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
	must(err)
	_, err = back.Listen(ctx, "inproc://to-subscribers")
	must(err)
	done := make(chan bool)
	forward := func(from spry.Receiver, to spry.Sender) {
		for m, err := range spry.Merge(ctx, from) {
			if err != nil || to.SendMsg(ctx, m) != nil {
				break
			}
		}
		done <- true
	}
	go forward(front, back)
	go forward(back, front)

	sub := zmq.NewSub(nil)
	must(sub.Subscribe("a"))
	_, err = sub.Dial(ctx, "inproc://to-subscribers")
	must(err)
	pub := zmq.NewPub(nil)
	_, err = pub.Dial(ctx, "inproc://from-publishers")
	must(err)
	must(pub.WaitSubscribers(ctx, "a", 1)) // which the forwarder passed on
	must(pub.Send(ctx, []byte("a"), []byte("through")))
	frames, err := sub.Recv(ctx)
	must(err)
	fmt.Printf("%s %s\n", frames[0], frames[1])

	for _, s := range []interface{ Close() error }{pub, sub, front, back} {
		must(s.Close())
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
	must(err)
	client := zmq.NewClient(nil)
	defer client.Close()
	_, err = client.Dial(ctx, "inproc://clock")
	must(err)

	must(client.Send(ctx, []byte("what time is it?")))
	m, err := server.RecvMsg(ctx)
	must(err)
	must(server.SendTo(ctx, m.Pipe(), []byte("noon")))
	answer, err := client.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", answer)
	// Output: noon
}

// A Dish is sent what is for the groups that it joined.
func ExampleRadio() {
	ctx := context.Background()
	radio := zmq.NewRadio(nil)
	defer radio.Close()
	_, err := radio.Listen(ctx, "inproc://fm")
	must(err)
	dish := zmq.NewDish(nil)
	defer dish.Close()
	_, err = dish.Dial(ctx, "inproc://fm")
	must(err)
	must(dish.Join("jazz"))
	must(radio.WaitMembers(ctx, "jazz", 1))

	must(radio.Send(ctx, "jazzy", []byte("another group")))
	must(radio.Send(ctx, "jazz", []byte("so what")))
	group, body, err := dish.Recv(ctx)
	must(err)
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
	must(err)
	_, err = scatter.Dial(ctx, "inproc://leaves")
	must(err)

	must(scatter.Send(ctx, []byte("a leaf")))
	body, err := gather.Recv(ctx)
	must(err)
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
	must(err)
	_, err = a.Dial(ctx, "inproc://table")
	must(err)

	must(a.Send(ctx, []byte("ping")))
	frames, err := b.Recv(ctx)
	must(err)
	must(b.Send(ctx, append(frames, []byte("pong"))...))
	frames, err = a.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", frames)
	// Output: [ping pong]
}

// Sockets of both packages talk to each other, in a process and between them.
func Example_bothPackages() {
	ctx := context.Background()
	pull := spry.NewPull(nil) // takes peers of both families on one port
	defer pull.Close()
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	must(err)
	push := zmq.NewPush(nil)
	defer push.Close()
	_, err = push.Dial(ctx, e.URL())
	must(err)

	must(push.Send(ctx, []byte("hello")))
	body, err := pull.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", body)
	// Output: hello
}

// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/transporttest"
)

// private are options with inproc names of their own, so that examples do not meet.
func private() spry.Options { return spry.Options{Network: spry.NewNetwork()} }

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func Example_pipeline() {
	ctx, o := context.Background(), private()
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()

	_, err := pull.Listen(ctx, "inproc://jobs")
	must(err)
	_, err = push.Dial(ctx, "inproc://jobs")
	must(err)

	must(push.Send(ctx, []byte("dig a hole")))
	job, err := pull.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", job)
	// Output: dig a hole
}

func Example_pubsub() {
	ctx, o := context.Background(), private()
	pub := spry.NewPub(&spry.PubOptions{Options: o})
	defer pub.Close()
	sub := spry.NewSub(&spry.SubOptions{Options: o})
	defer sub.Close()

	_, err := pub.Listen(ctx, "inproc://news")
	must(err)
	must(sub.Subscribe("weather."))
	_, err = sub.Dial(ctx, "inproc://news")
	must(err)
	must(pub.WaitSubscribers(ctx, "weather.", 1))

	must(pub.Send(ctx, []byte("sport.2:1")))
	must(pub.Send(ctx, []byte("weather.sun")))
	m, err := sub.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", m)
	// Output: weather.sun
}

func ExampleSub_Open() {
	ctx, o := context.Background(), private()
	pub := spry.NewPub(&spry.PubOptions{Options: o})
	defer pub.Close()
	sub := spry.NewSub(&spry.SubOptions{Options: o})
	defer sub.Close()
	_, err := pub.Listen(ctx, "inproc://news")
	must(err)
	sport, weather := sub.Open("sport."), sub.Open("weather.")
	_, err = sub.Dial(ctx, "inproc://news")
	must(err)
	must(pub.WaitSubscribers(ctx, "", 1))

	must(pub.Send(ctx, []byte("weather.rain")))
	must(pub.Send(ctx, []byte("sport.0:0")))
	for _, s := range []*spry.Subscription{sport, weather} {
		m, err := s.Recv(ctx)
		must(err)
		fmt.Printf("%s\n", m)
	}
	// Output:
	// sport.0:0
	// weather.rain
}

func Example_reqrep() {
	ctx, o := context.Background(), private()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	_, err := rep.Listen(ctx, "inproc://greeter")
	must(err)
	served := make(chan error)
	go func() {
		served <- rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			must(r.Reply(ctx, append([]byte("hello, "), r.Bytes()...)))
		}))
	}()

	req := spry.NewReq(&spry.ReqOptions{Options: o})
	_, err = req.Dial(ctx, "inproc://greeter")
	must(err)
	reply, err := req.Do(ctx, []byte("world"))
	must(err)
	fmt.Printf("%s\n", reply)

	must(req.Close())
	must(rep.Close())
	must(<-served)
	// Output: hello, world
}

func ExampleReq_Start() {
	ctx, o := context.Background(), private()
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	defer rep.Close()
	_, err := rep.Listen(ctx, "inproc://echo")
	must(err)
	req := spry.NewReq(&spry.ReqOptions{Options: o})
	defer req.Close()
	_, err = req.Dial(ctx, "inproc://echo")
	must(err)

	var calls []*spry.Call
	for _, q := range []string{"one", "two"} {
		c, err := req.Start(spry.WrapMessage([]byte(q), nil))
		must(err)
		calls = append(calls, c)
	}
	for range calls { // in any order
		r, err := rep.Recv(ctx)
		must(err)
		must(r.Reply(ctx, r.Bytes()))
	}
	for _, c := range calls {
		m, err := c.Wait(ctx)
		must(err)
		fmt.Printf("%s\n", m.Bytes())
	}
	// Output:
	// one
	// two
}

func Example_survey() {
	ctx, o := context.Background(), private()
	surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: time.Minute})
	defer surveyor.Close()
	_, err := surveyor.Listen(ctx, "inproc://votes")
	must(err)
	respondent := spry.NewRespondent(&spry.RespondentOptions{Options: o})
	defer respondent.Close()
	_, err = respondent.Dial(ctx, "inproc://votes")
	must(err)
	go func() {
		r, err := respondent.Recv(ctx)
		must(err)
		must(r.Reply(ctx, []byte("aye")))
	}()

	for answer, err := range surveyor.Survey(ctx, []byte("all in favour?")) {
		must(err)
		fmt.Printf("%s\n", answer.Bytes())
		break // one peer, one answer: there is no need to wait for the deadline
	}
	// Output: aye
}

func Example_pair() {
	ctx, o := context.Background(), private()
	a := spry.NewPair(&spry.PairOptions{Options: o})
	defer a.Close()
	b := spry.NewPair(&spry.PairOptions{Options: o})
	defer b.Close()
	_, err := a.Listen(ctx, "inproc://line")
	must(err)
	_, err = b.Dial(ctx, "inproc://line")
	must(err)

	must(a.Send(ctx, []byte("ping")))
	m, err := b.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", m)
	must(b.Send(ctx, []byte("pong")))
	m, err = a.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", m)
	// Output:
	// ping
	// pong
}

func ExamplePairPoly_SendTo() {
	ctx, o := context.Background(), private()
	hub := spry.NewPairPoly(&spry.PairOptions{Options: o})
	defer hub.Close()
	_, err := hub.Listen(ctx, "inproc://hub")
	must(err)
	spoke := spry.NewPair(&spry.PairOptions{Options: o})
	defer spoke.Close()
	_, err = spoke.Dial(ctx, "inproc://hub")
	must(err)

	must(spoke.Send(ctx, []byte("it is me")))
	m, err := hub.RecvMsg(ctx)
	must(err)
	must(hub.SendTo(ctx, m.Pipe(), []byte("so I see")))
	answer, err := spoke.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", answer)
	// Output: so I see
}

func Example_bus() {
	ctx, o := context.Background(), private()
	var nodes []*spry.Bus
	for i := range 3 {
		n := spry.NewBus(&spry.BusOptions{Options: o})
		defer n.Close()
		_, err := n.Listen(ctx, fmt.Sprintf("inproc://node%d", i))
		must(err)
		for j := range i {
			_, err := n.Dial(ctx, fmt.Sprintf("inproc://node%d", j))
			must(err)
		}
		nodes = append(nodes, n)
	}
	must(nodes[0].Send(ctx, []byte("all hands")))
	for _, n := range nodes[1:] {
		m, err := n.Recv(ctx)
		must(err)
		fmt.Printf("%s\n", m)
	}
	// Output:
	// all hands
	// all hands
}

func ExampleSocket_ListenOn() {
	ctx := context.Background()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	pull := spry.NewPull(nil)
	defer pull.Close()
	e, err := pull.ListenOn(l, nil)
	must(err)

	push := spry.NewPush(nil)
	defer push.Close()
	_, err = push.Dial(ctx, e.URL())
	must(err)
	must(push.Send(ctx, []byte("over my own listener")))
	m, err := pull.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", m)
	// Output: over my own listener
}

func ExampleSocket_ListenOnLinks() {
	ctx := context.Background()
	memory := transporttest.NewMemory() // a transport of one's own
	u, err := transport.ParseURL("memory://mine")
	must(err)
	l, err := memory.Listen(ctx, u, transport.ListenOptions{})
	must(err)
	pull := spry.NewPull(nil)
	defer pull.Close()
	_, err = pull.ListenOnLinks(l, nil)
	must(err)

	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{memory}}})
	defer push.Close()
	_, err = push.Dial(ctx, "memory://mine")
	must(err)
	must(push.Send(ctx, []byte("over my own links")))
	m, err := pull.Recv(ctx)
	must(err)
	fmt.Printf("%s\n", m)
	// Output: over my own links
}

// A stream of small messages: many are sent by one call, and a loop has each body until its next step.
func ExamplePull_Bodies() {
	ctx := context.Background()
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	defer pull.Close()
	defer push.Close()
	if _, err := pull.Listen(ctx, "inproc://stream"); err != nil {
		log.Fatal(err)
	}
	if _, err := push.Dial(ctx, "inproc://stream"); err != nil {
		log.Fatal(err)
	}

	if _, err := push.SendBodies(ctx, [][]byte{[]byte("one"), []byte("two"), []byte("three")}); err != nil {
		log.Fatal(err)
	}
	for body, err := range pull.Bodies(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", body)
		if string(body) == "three" {
			break
		}
	}
	// Output:
	// one
	// two
	// three
}

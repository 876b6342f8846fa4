// SPDX-License-Identifier: MIT

package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/transport"
)

// listen serves a handler by HTTP/1.1, and by HTTP/2 without TLS.
func listen(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(nil)
	s.Config = gateway.NewServer(h)
	s.Start()
	return s
}

// A POST asks a Rep.
func ExampleAsk() {
	ctx := context.Background()
	rep, req := spry.NewRep(nil), spry.NewReq(nil)
	defer rep.Close()
	defer req.Close()
	if _, err := rep.Listen(ctx, "inproc://ExampleAsk"); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := req.Dial(ctx, "inproc://ExampleAsk"); err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		for r, err := range rep.Requests(ctx) {
			if err != nil {
				return // closed
			}
			_ = r.Reply(ctx, []byte(strings.ToUpper(string(r.Bytes()))))
		}
	}()
	s := listen(gateway.Ask(req, nil))
	defer s.Close()

	var client gateway.Client
	reply, err := client.Ask(ctx, s.URL, []byte("hello"))
	fmt.Println(string(reply), err)
	// Output: HELLO <nil>
}

// A POST is a message for a Pull.
func ExampleSend() {
	ctx := context.Background()
	pull, push := spry.NewPull(nil), spry.NewPush(nil)
	defer pull.Close()
	defer push.Close()
	if _, err := pull.Listen(ctx, "inproc://ExampleSend"); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := push.Dial(ctx, "inproc://ExampleSend"); err != nil {
		fmt.Println(err)
		return
	}
	s := listen(gateway.Send(push, nil))
	defer s.Close()

	var client gateway.Client
	if err := client.Send(ctx, s.URL, []byte("job 1")); err != nil {
		fmt.Println(err)
		return
	}
	job, err := pull.Recv(ctx)
	fmt.Println(string(job), err)
	// Output: job 1 <nil>
}

// A GET is a stream of the messages of a Sub.
func ExampleNewEvents() {
	ctx := context.Background()
	pub, sub := spry.NewPub(nil), spry.NewSub(nil)
	defer pub.Close()
	defer sub.Close()
	if err := sub.Subscribe("weather."); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := pub.Listen(ctx, "inproc://ExampleNewEvents"); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := sub.Dial(ctx, "inproc://ExampleNewEvents"); err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.WaitSubscribers(ctx, "weather.", 1); err != nil {
		fmt.Println(err)
		return
	}
	events := gateway.NewEvents(sub, nil)
	defer events.Close()
	s := listen(events)
	defer s.Close()

	if err := pub.Send(ctx, []byte("weather.oslo rain")); err != nil {
		fmt.Println(err)
		return
	}
	var client gateway.Client
	for e, err := range client.Events(ctx, s.URL, &gateway.EventConfig{Oldest: true}) {
		fmt.Println(string(e.Body()), err)
		break
	}
	// Output: weather.oslo rain <nil>
}

// A POST asks all Respondents, and the answers come one by one.
func ExampleSurvey() {
	ctx := context.Background()
	surveyor, respondent := spry.NewSurveyor(nil), spry.NewRespondent(nil)
	defer surveyor.Close()
	defer respondent.Close()
	if _, err := surveyor.Listen(ctx, "inproc://ExampleSurvey"); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := respondent.Dial(ctx, "inproc://ExampleSurvey"); err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		for r, err := range respondent.Requests(ctx) {
			if err != nil {
				return // closed
			}
			_ = r.Reply(ctx, []byte("here"))
		}
	}()
	s := listen(gateway.Survey(surveyor, nil))
	defer s.Close()

	var client gateway.Client
	for answer, err := range client.Survey(ctx, s.URL, []byte("who?")) {
		fmt.Println(string(answer), err)
	}
	// Output: here <nil>
}

// A Push dials a Pull through a server of HTTP/2.
func ExampleTransport() {
	ctx := context.Background()
	pull := spry.NewPull(nil)
	defer pull.Close()
	s := listen(gateway.Stream(pull, nil))
	defer s.Close()

	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{gateway.Transport{}}}})
	defer push.Close()
	if _, err := push.Dial(ctx, s.URL); err != nil {
		fmt.Println(err)
		return
	}
	if err := push.Send(ctx, []byte("hello")); err != nil {
		fmt.Println(err)
		return
	}
	m, err := pull.Recv(ctx)
	fmt.Println(string(m), err)
	// Output: hello <nil>
}

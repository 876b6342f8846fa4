// SPDX-License-Identifier: MIT

package ws_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// A socket has the transport if its options name it.
func Example() {
	ctx := context.Background()
	o := spry.Options{Transports: []transport.Transport{ws.Transport{}}}
	pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
	defer pull.Close()
	defer push.Close()

	at, err := pull.Listen(ctx, "ws://127.0.0.1:0/jobs")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := push.Dial(ctx, at.URL()); err != nil {
		fmt.Println(err)
		return
	}
	if err := push.Send(ctx, []byte("a job")); err != nil {
		fmt.Println(err)
		return
	}
	job, err := pull.Recv(ctx)
	fmt.Println(string(job), err)
	// Output: a job <nil>
}

// The request of a WebSocket carries credentials, and Authorize judges them.
func ExampleTransport() {
	ctx := context.Background()
	rep := spry.NewRep(&spry.RepOptions{Options: spry.Options{
		Transports: []transport.Transport{ws.Transport{}},
		Authorize: func(_ context.Context, p *spry.Pipe) error {
			if r, ok := p.Request().(*http.Request); !ok || r.Header.Get("Authorization") != "Bearer 4711" {
				return errors.New("no member")
			}
			return nil
		},
	}})
	defer rep.Close()
	at, err := rep.Listen(ctx, "ws://127.0.0.1:0/ask")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		_ = rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, []byte("42")) }))
	}()

	member := ws.Transport{Header: http.Header{"Authorization": {"Bearer 4711"}}}
	req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Transports: []transport.Transport{member}}})
	defer req.Close()
	if _, err := req.Dial(ctx, at.URL()); err != nil {
		fmt.Println(err)
		return
	}
	answer, err := req.Do(ctx, []byte("6 times 7?"))
	fmt.Println(string(answer), err)
	// Output: 42 <nil>
}

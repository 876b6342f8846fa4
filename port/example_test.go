// SPDX-License-Identifier: MIT

package port_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/port"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
)

// A page, a socket over WebSocket, and the same socket over TCP for both families, at one port.
func Example() {
	ctx := context.Background()
	p, err := port.Listen(ctx, "tcp://127.0.0.1:0", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	pull := spry.NewPull(nil)
	defer pull.Close()
	if _, err := pull.ListenOn(p.Claim(port.Sockets), nil); err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/jobs", web.Handler(pull, nil))
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page") })
	server := &http.Server{Handler: mux}
	defer server.Close()
	go server.Serve(p.Claim(port.HTTP))
	go p.Serve()

	if page, err := http.Get("http://" + p.Addr().String() + "/page"); err == nil {
		text, _ := io.ReadAll(page.Body)
		page.Body.Close()
		fmt.Println(string(text))
	}
	for _, url := range []string{p.URL(), "zmtp+" + p.URL(), "ws://" + p.Addr().String() + "/jobs"} {
		push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{tcp.Transport{}, ws.Transport{}}}})
		if _, err := push.Dial(ctx, url); err != nil {
			fmt.Println(err)
		}
		push.Send(ctx, []byte("a job"))
		job, err := pull.Recv(ctx)
		fmt.Println(string(job), err)
		push.Close()
	}
	// Output:
	// a page
	// a job <nil>
	// a job <nil>
	// a job <nil>
}

// SPDX-License-Identifier: MIT

package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
)

// A socket shares a server with a page.
func ExampleHandler() {
	ctx := context.Background()
	pull := spry.NewPull(nil)
	defer pull.Close()
	mux := http.NewServeMux()
	mux.Handle("/jobs", web.Handler(pull, nil))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "a page") })
	server := httptest.NewServer(mux)
	defer server.Close()

	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{ws.Transport{}}}})
	defer push.Close()
	if _, err := push.Dial(ctx, strings.Replace(server.URL, "http", "ws", 1)+"/jobs"); err != nil {
		fmt.Println(err)
		return
	}
	if err := push.Send(ctx, []byte("job 1")); err != nil {
		fmt.Println(err)
		return
	}
	job, err := pull.Recv(ctx)
	fmt.Println(string(job), err)
	// Output: job 1 <nil>
}

// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/web"
	"github.com/sprymq/spry/web/jsclient"
)

const chatPage = `<!doctype html>
<title>Chat</title>
<ul id="said"></ul>
<form id="say"><input id="line" autofocus> <button>Say</button></form>
<script type="module">
import { Push, Sub } from "/spry.js"
const push = new Push("/in"), sub = new Sub("/out", { topics: [""] })
document.getElementById("say").addEventListener("submit", (e) => {
  e.preventDefault()
  push.send(document.getElementById("line").value)
})
for await (const message of sub) {
  document.getElementById("said").append(Object.assign(document.createElement("li"), { textContent: message.text() }))
}
</script>
`

// chatRoom passes on what any page sends to all pages.
func chatRoom(ctx context.Context, in *spry.Pull, out *spry.Pub) http.Handler {
	go func() {
		for line, err := range in.Bodies(ctx) {
			if err != nil || out.Send(ctx, line) != nil {
				return
			}
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, chatPage)
	})
	mux.Handle("/spry.js", jsclient.Script())
	mux.Handle("/in", web.Handler(in, nil))
	mux.Handle("/out", web.Handler(out, nil))
	return mux
}

func Example_browser() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	in, out := spry.NewPull(nil), spry.NewPub(nil)
	defer in.Close()
	defer out.Close()
	server := httptest.NewServer(chatRoom(ctx, in, out)) // a program: http.ListenAndServe("localhost:8080", ...)
	defer server.Close()

	// Programs take part like pages.
	o := spry.Options{Transports: []transport.Transport{ws.Transport{}}}
	sub, push := spry.NewSub(&spry.SubOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
	defer sub.Close()
	defer push.Close()
	check(sub.Subscribe(""))
	url := strings.Replace(server.URL, "http", "ws", 1)
	_, err := sub.Dial(ctx, url+"/out")
	check(err)
	_, err = push.Dial(ctx, url+"/in")
	check(err)
	check(out.WaitSubscribers(ctx, "", 1))
	check(push.Send(ctx, []byte("hello from Go")))
	line, err := sub.Recv(ctx)
	check(err)
	fmt.Printf("%s\n", line)
	// Output: hello from Go
}

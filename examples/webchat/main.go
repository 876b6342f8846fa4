// SPDX-License-Identifier: MIT

// Command webchat is a chat room for browsers: pages push what they say, and subscribe to what is said.
package main

import (
	"context"
	"embed"
	"flag"
	"log"
	"net/http"
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/web"
	"github.com/sprymq/spry/web/jsclient"
)

//go:embed index.html
var pages embed.FS

func main() {
	url := flag.String("url", "http://127.0.0.1:5580", "the `address` to serve")
	flag.Parse()
	say, room := spry.NewPull(nil), spry.NewPub(nil)
	go func() {
		for line := range say.Bodies(context.Background()) {
			room.Send(context.Background(), line)
		}
	}()
	http.Handle("/", http.FileServerFS(pages))
	http.Handle("/spry.js", jsclient.Script())
	http.Handle("/say", web.Handler(say, nil))
	http.Handle("/room", web.Handler(room, nil))
	log.Fatal(http.ListenAndServe(strings.TrimPrefix(*url, "http://"), nil))
}

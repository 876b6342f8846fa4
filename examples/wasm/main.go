// SPDX-License-Identifier: MIT

// Command wasm publishes the time, and serves a page that subscribes to it with a program of WebAssembly: the folder page.
package main

import (
	"context"
	"embed"
	"flag"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/web"
)

//go:embed index.html
var pages embed.FS

func main() {
	url := flag.String("url", "http://127.0.0.1:5583", "the `address` to serve")
	files := flag.String("files", ".", "the `folder` with page.wasm, and wasm_exec.js of Go")
	flag.Parse()
	feed := spry.NewPub(nil)
	http.Handle("/", http.FileServerFS(pages))
	http.Handle("/feed", web.Handler(feed, nil))
	http.Handle("/files/", http.StripPrefix("/files/", http.FileServer(http.Dir(*files))))
	go func() { log.Fatal(http.ListenAndServe(strings.TrimPrefix(*url, "http://"), nil)) }()
	for now := range time.Tick(time.Second / 10) {
		feed.Send(context.Background(), now.AppendFormat(nil, "time 15:04:05.0"))
	}
}

// SPDX-License-Identifier: MIT

// Command livechart publishes figures of its own ten times a second, and pages draw them.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/web"
	"github.com/sprymq/spry/web/jsclient"
)

//go:embed index.html
var pages embed.FS

func main() {
	url := flag.String("url", "http://127.0.0.1:5581", "the `address` to serve")
	flag.Parse()
	feed := spry.NewPub(nil)
	http.Handle("/", http.FileServerFS(pages))
	http.Handle("/spry.js", jsclient.Script())
	http.Handle("/feed", web.Handler(feed, nil))
	go func() { log.Fatal(http.ListenAndServe(strings.TrimPrefix(*url, "http://"), nil)) }()
	for due := range time.Tick(100 * time.Millisecond) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		body, _ := json.Marshal(map[string]float64{"heap": float64(m.HeapAlloc) / (1 << 20), "late": time.Since(due).Seconds() * 1e6})
		feed.Send(context.Background(), body)
	}
}

// SPDX-License-Identifier: MIT

// Command jobform does jobs for a page: it finds a number after a text with which its SHA-256 has a prefix.
package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"flag"
	"fmt"
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
	url := flag.String("url", "http://127.0.0.1:5582", "the `address` to serve")
	flag.Parse()
	jobs := spry.NewRep(nil)
	go jobs.Serve(context.Background(), 4, spry.HandleTyped(find))
	http.Handle("/", http.FileServerFS(pages))
	http.Handle("/spry.js", jsclient.Script())
	http.Handle("/jobs", web.Handler(jobs, nil))
	log.Fatal(http.ListenAndServe(strings.TrimPrefix(*url, "http://"), nil))
}

func find(ctx context.Context, job struct{ Text, Prefix string }) (found string, _ error) {
	for n := 0; n < 1<<24 && !strings.HasPrefix(found, job.Prefix); n++ {
		found = fmt.Sprintf("%x of %s%d", sha256.Sum256(fmt.Append(nil, job.Text, n)), job.Text, n)
	}
	return found, ctx.Err()
}

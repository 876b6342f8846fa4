// SPDX-License-Identifier: MIT

// Package jsclient has the client for browsers: a module of JavaScript that a page imports from the server that it came from.
//
//	mux.Handle("/spry.js", jsclient.Script())
//
// The page then has sockets of its own, which dial the handlers of package web:
//
//	<script type="module">
//	  import { Req } from "/spry.js"
//	  const req = new Req("/ask")
//	  console.log((await req.request("2+2")).text())
//	</script>
//
// The same module is in the npm package that this folder makes, for Node and bundlers.
package jsclient

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed dist/spry.js
var script []byte

// compressed is the script for browsers that take gzip.
var compressed = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(script)                                // a Buffer takes everything
	_ = w.Close()
	return b.Bytes()
})

// Script returns a handler that serves the module, at any path. Browsers keep it, and ask whether it has changed.
func Script() http.Handler {
	plain, zipped := tag(script), tag(compressed())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, content, etag := w.Header(), script, plain
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Values("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			content, etag = compressed(), zipped
		}
		h.Set("ETag", etag)
		http.ServeContent(w, r, "spry.js", time.Time{}, bytes.NewReader(content))
	})
}

func tag(content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// takesGzip reports whether one of the encodings is gzip, not refused by q=0.
func takesGzip(encodings []string) bool {
	for name := range strings.SplitSeq(strings.Join(encodings, ","), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(name), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}

// SPDX-License-Identifier: MIT

package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
)

// attackers is how many attack at once: all of them with SPRY_LONG=1.
func attackers(all int) int {
	if os.Getenv("SPRY_LONG") != "" {
		return all
	}
	return all / 10
}

// Nothing that is hidden behind a request reaches a handler, and the connection ends.
func TestSmuggledRequests(t *testing.T) {
	leak.Check(t)
	var smuggled atomic.Int32
	h := gateway.Ask(echo, nil)
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("/smuggled", func(http.ResponseWriter, *http.Request) { smuggled.Add(1) })
	p := open(t, "HTTP/1.1", mux)
	const hidden = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, text := range map[string]string{
		"both lengths":             "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"both lengths, longer":     "Transfer-Encoding: chunked\r\nContent-Length: 400\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"chunks":                   "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"two lengths":              "Content-Length: 0\r\nContent-Length: 50\r\n\r\n",
		"list of lengths":          "Content-Length: 0, 50\r\n\r\n",
		"signed length":            "Content-Length: +0\r\n\r\n",
		"negative length":          "Content-Length: -1\r\n\r\n",
		"hexadecimal length":       "Content-Length: 0x0\r\n\r\n",
		"huge length":              "Content-Length: 18446744073709551616\r\n\r\n",
		"unknown coding":           "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"two codings":              "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"two headers of codings":   "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"space before the colon":   "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"control before the value": "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
		"folded header":            "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		"NUL in a header":          "X: \x00\r\n\r\n",
		"negative chunk":           "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
		"hexadecimal chunk":        "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
		"huge chunk":               "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
		"chunk without its end":    "Transfer-Encoding: chunked\r\n\r\n1\r\nxy0\r\n\r\n",
		"chunk with an extension":  "Transfer-Encoding: chunked\r\n\r\n0;" + strings.Repeat("x", 100) + "\r\n\r\n",
		"chunk with a bare LF":     "Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
		"trailer":                  "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\nContent-Length: 50\r\n\r\n",
		"no host":                  "Host: b\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := p.wire(t)
			done := make(chan struct{})
			go func() {
				defer close(done)
				w.send("POST / HTTP/1.1\r\nHost: a\r\n" + text + hidden)
			}()
			_ = w.SetReadDeadline(time.Now().Add(30 * time.Second)) // a watchdog
			answers, err := io.ReadAll(w.in)
			if err != nil || strings.Count(string(answers), "HTTP/1.1 ") > 1 {
				t.Errorf("%q, %v", answers, err)
			}
			_ = w.Close()
			<-done
			if n := smuggled.Load(); n != 0 {
				t.Errorf("%d hidden requests arrived", n)
			}
		})
	}
	settled(t, h.Stats)
}

// Heads that do not end in time, or are too large, cost their connections, and no others.
func TestSlowAndLargeHeads(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		h := gateway.Ask(echo, nil)
		p := open(t, "HTTP/1.1", h)
		var wires []*wire
		for range attackers(500) {
			w := p.wire(t)
			w.send("POST / HTTP/1.1\r\nHost: a\r\nX: ")
			wires = append(wires, w)
		}
		began := time.Now()
		if a := p.post(t, "good"); a.text != "echo good" {
			t.Error(a)
		}
		for _, w := range wires {
			_, _ = io.ReadAll(w.in)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the heads had %v", took)
		}
		w := p.wire(t)
		go w.send("POST / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 64<<10))
		if a := w.answer(); a.status != 431 {
			t.Error(a)
		}
		answered(t, h.Stats, "200:1")
	})
}

// Streams that do not read while a publisher floods are cut, each is counted, their memory is bounded, and good clients have every event.
func TestStreamsThatDoNotRead(t *testing.T) {
	leak.Check(t)
	bad, good := attackers(1000), 3
	from := make(source)
	e := gateway.NewEvents(from, &gateway.EventOptions{Options: gateway.Options{WriteTimeout: 3 * time.Second, MaxRequests: 3000, MaxPerClient: 2000}})
	ask := gateway.Ask(echo, nil)
	mux := http.NewServeMux()
	mux.Handle("/", ask)
	mux.Handle("/events", e)
	s := httptest.NewUnstartedServer(nil)
	s.Config = gateway.NewServer(mux)
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
		return ctx
	}
	s.Start()
	defer s.Close()
	defer e.Close()
	before := heapInUse()
	for range bad {
		c := dialTCP(t, &site{s})
		_ = c.SetReadBuffer(4 << 10)
		if _, err := io.WriteString(c, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	carrier := &http.Transport{}
	defer carrier.CloseIdleConnections()
	client := gateway.Client{HTTP: &http.Client{Transport: carrier}}
	got := make(chan int, good)
	var readers sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer readers.Wait()
	defer cancel()
	for range good {
		readers.Go(func() {
			next := 0
			for event, err := range client.Events(ctx, s.URL+"/events", nil) {
				if err != nil {
					return
				}
				if event.Gap || !strings.HasPrefix(string(event.Body()), fmt.Sprintf("%d ", next)) {
					t.Errorf("%+v, want %d", event.ID, next)
				}
				next++
				got <- next
			}
		})
	}
	eventually(t, func() string { return differs(e.Stats().Open, bad+good) })
	body := strings.Repeat("x", 8<<10)
	for i := range 200 { // the publisher goes as fast as the good clients
		from <- messageOf(fmt.Sprint(i, " ", body))
		for range good {
			<-got
		}
		if i%20 == 0 {
			if reply, err := client.Ask(t.Context(), s.URL, []byte("good")); string(reply) != "echo good" || err != nil {
				t.Errorf("%q, %v", reply, err)
			}
		}
	}
	if grown, room := heapInUse()-before, int64(32<<20+bad*128<<10); grown > room {
		t.Errorf("the heap has grown by %d bytes, and %d streams may take %d", grown, bad, room)
	}
	eventually(t, func() string { return differs(e.Stats().Cut, uint64(bad)) })
	eventually(t, func() string { return differs(e.Stats().Answers[200], uint64(bad)) }) // each a moment after it is cut
	if st := e.Stats(); st.Open != good || st.Answers[200] != uint64(bad) {
		t.Errorf("%+v", st)
	}
}

func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A client that floods is refused, and others are not.
func TestFloodOfRequests(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		n := attackers(2000)
		h := gateway.Ask(echo, &gateway.Options{
			Rate: 1e-6, Burst: 20, Client: func(r *http.Request) string { return r.Header.Get("X-Client") },
		})
		p := open(t, version, h)
		var work sync.WaitGroup
		for i := range 4 {
			work.Go(func() {
				for range n / 4 {
					p.post(t, "flood", "X-Client", "bad")
				}
				for range 5 {
					if a := p.post(t, "good", "X-Client", fmt.Sprint("good", i)); a.text != "echo good" {
						t.Error(a)
					}
				}
			})
		}
		work.Wait()
		answered(t, h.Stats, fmt.Sprintf("200:40 429:%d", n/4*4-20))
	})
}

// Requests that are taken back at once leave nothing, and their connection is of use to others.
func TestRequestsTakenBack(t *testing.T) {
	streamVersions(t, func(t *testing.T, version string) {
		h := gateway.Ask(echo, nil)
		p := open(t, version, h)
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				for range attackers(2000) / 4 {
					ctx, cancel := context.WithCancel(t.Context())
					r, _ := http.NewRequestWithContext(ctx, http.MethodPost, p.url, strings.NewReader("drop"))
					time.AfterFunc(100*time.Microsecond, cancel)
					if a, err := p.client.Do(r); err == nil {
						_ = a.Body.Close()
					}
				}
			})
		}
		work.Wait()
		if a := p.post(t, "good"); a.text != "echo good" {
			t.Error(a)
		}
		settled(t, h.Stats)
		if n := h.Bodies(); n != 0 {
			t.Errorf("%d bytes are counted of no body", n)
		}
	})
}

// SPDX-License-Identifier: MIT

package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
)

// chunked is a body whose length is not announced.
func chunked(text string) io.Reader { return io.MultiReader(strings.NewReader(text)) }

// Bodies arrive whole, whether their length is announced or not, up to the limit.
func TestBodies(t *testing.T) {
	const largest = 100_000
	everyVersion(t, func(t *testing.T, version string) {
		for _, o := range []gateway.Options{
			{MaxBody: largest, MaxBodies: 1}, // which is MaxBody then: the largest has room alone
			{MaxBody: largest},
			{MaxBody: math.MaxInt64, MaxBodies: math.MaxInt64},
		} {
			h := gateway.Ask(echo, &o)
			p := open(t, version, h)
			want200, want413 := 0, 0
			for _, size := range []int{0, 1, 16383, 16384, 16385, 32768, largest - 1, largest, largest + 1, 2 * largest, 400_000} {
				text := strings.Repeat("x", size)
				for name, body := range map[string]io.Reader{"length": strings.NewReader(text), "chunks": chunked(text)} {
					a := p.do(t, "POST", "/", body)
					if size > largest && o.MaxBody == largest {
						want413++
						if a.status != 413 || !strings.Contains(a.text, "at most 100000 bytes") {
							t.Errorf("%s of %d: %v", name, size, a)
						}
						continue
					}
					want200++
					if a.status != 200 || a.text != "echo "+text {
						t.Errorf("%s of %d: %d with %d bytes", name, size, a.status, len(a.text))
					}
				}
			}
			want := fmt.Sprintf("200:%d", want200)
			if want413 > 0 {
				want += fmt.Sprintf(" 413:%d", want413)
			}
			answered(t, h.Stats, want)
			if n := h.Bodies(); n != 0 {
				t.Errorf("%d bytes are counted of no body", n)
			}
		}
	})
}

// Bodies that come together have room for MaxBodies, and none is kept when its request ends, however it does.
func TestMaxBodies(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		release, arrived := make(chan struct{}), make(chan struct{})
		h := gateway.Ask(asks(func(ctx context.Context, body []byte) ([]byte, error) {
			arrived <- struct{}{}
			<-release
			return nil, nil
		}), &gateway.Options{MaxBody: 50_000, MaxBodies: 120_000})
		p := open(t, version, h)
		body := strings.Repeat("x", 50_000)
		done := make(chan answer)
		for range 2 {
			go func() { done <- p.post(t, body) }()
			<-arrived
		}
		if n := h.Bodies(); n < 100_000 || n > 100_002 {
			t.Errorf("%d bytes of two bodies", n)
		}
		for _, body := range []io.Reader{strings.NewReader(body), chunked(body)} {
			if a := p.do(t, "POST", "/", body); a.status != 503 || !strings.Contains(a.text, "no room for this one") || a.header.Get("Retry-After") == "" {
				t.Error(a)
			}
		}
		go func() { done <- p.post(t, "small") }()
		<-arrived
		close(release)
		for range 3 {
			if a := <-done; a.status != 200 {
				t.Error(a)
			}
		}
		answered(t, h.Stats, "200:3 503:2")
		if n := h.Bodies(); n != 0 {
			t.Errorf("%d bytes are counted of no body", n)
		}
	})
}

// dripping is a body of which a byte arrives each second.
type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		return copy(p, "x"), nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

// A body that does not arrive in time is answered with 408, and the connection of HTTP/1 is closed.
func TestSlowBodies(t *testing.T) {
	leak.Check(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := gateway.Ask(asks(func(context.Context, []byte) ([]byte, error) { t.Error("asked"); return nil, nil }), &gateway.Options{BodyTimeout: 5 * time.Second})
				p := open(t, version, h)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				began := time.Now()
				a := p.do(t, "POST", "/", dripping{ctx})
				if took := time.Since(began); a.status != 408 || took > 6*time.Second {
					t.Errorf("%v after %v", a, took)
				}
				answered(t, h.Stats, "408:1")
			})
		})
	}
}

// Requests that are refused before their bodies are read do not hold their connections either.
func TestSlowBodiesOfRefusedRequests(t *testing.T) {
	leak.Check(t)
	for name, head := range map[string]string{
		"403":  "POST / HTTP/1.1\r\nOrigin: https://evil.example\r\n",
		"405":  "PUT / HTTP/1.1\r\n",
		"204":  "OPTIONS / HTTP/1.1\r\n",
		"413":  "POST / HTTP/1.1\r\n",
		"400":  "GET /events HTTP/1.1\r\n",
		"505":  "POST /stream HTTP/1.1\r\n",
		"429":  "POST /full HTTP/1.1\r\n",
		"4030": "POST /closed HTTP/1.1\r\n",
	} {
		for body, lines := range map[string]string{
			"length": "Content-Length: 2000\r\n\r\nx", "chunks": "Transfer-Encoding: chunked\r\n\r\n7d0\r\nx",
		} {
			if name == "413" && body == "chunks" {
				lines = "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + strings.Repeat("x", 1500)
			}
			t.Run(name+" "+body, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := gateway.Options{BodyTimeout: 5 * time.Second, WriteTimeout: time.Second, MaxBody: 1000, Origins: []string{"https://a.example"}}
					events := gateway.NewEvents(make(source), &gateway.EventOptions{Options: o})
					defer events.Close()
					full := o
					full.Rate, full.Burst = 1e-9, 1
					closed := o
					closed.Authorize = func(*http.Request) error { return fmt.Errorf("no") }
					mux := http.NewServeMux()
					mux.Handle("/", gateway.Ask(echo, &o))
					mux.Handle("/events", events)
					mux.Handle("/stream", gateway.Stream(nil, &o))
					mux.Handle("/full", gateway.Ask(echo, &full))
					mux.Handle("/closed", gateway.Ask(echo, &closed))
					p := open(t, "HTTP/1.1", mux)
					if name == "429" {
						p.do(t, "POST", "/full", nil)
					}
					began := time.Now()
					w := p.wire(t)
					w.send(head + "Host: a\r\n" + lines)
					a := w.answer()
					if fmt.Sprint(a.status) != name[:3] || a.header.Get("Connection") != "close" || time.Since(began) > 5*time.Second {
						t.Errorf("%v with %v after %v", a, a.header, time.Since(began))
					}
					if n, err := w.in.Read(make([]byte, 1)); n != 0 || err == nil {
						t.Error("the connection is open")
					}
				})
			})
		}
	}
}

// A small body of a refused request does not cost its connection.
func TestRefusedRequestsKeepTheirConnections(t *testing.T) {
	leak.Check(t)
	h := gateway.Ask(echo, &gateway.Options{MaxBody: 1000, Origins: []string{"https://a.example"}})
	p := open(t, "HTTP/1.1", h)
	w := p.wire(t)
	for range 3 {
		w.send("POST / HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.example\r\nContent-Length: 5\r\n\r\nhello")
		if a := w.answer(); a.status != 403 || a.header.Get("Connection") == "close" {
			t.Fatal(a, a.header)
		}
		w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + strings.Repeat("x", 1001))
		if a := w.answer(); a.status != 413 || a.header.Get("Connection") == "close" {
			t.Fatal(a, a.header)
		}
		w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
		if a := w.answer(); a.text != "echo hello" {
			t.Fatal(a)
		}
	}
	answered(t, h.Stats, "200:3 403:3 413:3")
}

// A client that takes nothing of its answer is cut when its time is over.
func TestSlowReadersOfReplies(t *testing.T) {
	leak.Check(t)
	large := bytes.Repeat([]byte("x"), 1<<20)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := gateway.Ask(asks(func(context.Context, []byte) ([]byte, error) { return bytes.Repeat(large, 8), nil }), &gateway.Options{WriteTimeout: 5 * time.Second})
				p := open(t, version, h)
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, nil)
				began := time.Now()
				a, err := p.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer a.Body.Close()
				time.Sleep(6 * time.Second)
				synctest.Wait()
				if st := h.Stats(); st.Cut != 1 || st.Open != 0 || st.Answers[200] != 1 {
					t.Errorf("%+v", st)
				}
				if text, err := io.ReadAll(a.Body); err == nil || len(text) == 8<<20 {
					t.Errorf("%d bytes, %v, after %v", len(text), err, time.Since(began))
				}
			})
		})
	}
}

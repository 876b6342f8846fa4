// SPDX-License-Identifier: MIT

package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/transport"
)

// overHTTP are options of a socket that dials streams.
func overHTTP(header ...string) spry.Options {
	t := gateway.Transport{Header: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		t.Header.Set(header[i], header[i+1])
	}
	return spry.Options{Transports: []transport.Transport{t}}
}

// dialOf dials a place.
func (p *place) dialOf() *spry.DialConfig {
	c := &spry.DialConfig{URL: p.url + "/stream"}
	c.DialContext = p.client.Transport.(*http.Transport).DialContext
	c.TLS = p.client.Transport.(*http.Transport).TLSClientConfig
	return c
}

// streamVersions runs a test for each version of HTTP that has streams.
func streamVersions(t *testing.T, f func(t *testing.T, version string)) {
	for _, version := range versions[1:] {
		t.Run(version, func(t *testing.T) {
			leak.Check(t)
			f(t, version)
		})
	}
}

// Both directions of a stream carry messages, and neither end needs to say anything for as long as it likes.
func TestStreamsMayBeSilent(t *testing.T) {
	leak.Check(t)
	for _, version := range versions[1:] {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := closes(t, spry.NewPair(&spry.PairOptions{Options: overHTTP()})), closes(t, spry.NewPair(nil))
				h := gateway.Stream(far, &gateway.Options{WriteTimeout: 2 * time.Second, BodyTimeout: 2 * time.Second, Timeout: time.Second, MaxTimeout: time.Second})
				p := open(t, version, h)
				if _, err := near.DialWith(t.Context(), p.dialOf()); err != nil {
					t.Fatal(err)
				}
				for i := range 5 {
					time.Sleep(time.Hour)
					text := strings.Repeat(fmt.Sprint(i), 1+i*50_000)
					for _, way := range [][2]*spry.Pair{{near, far}, {far, near}} {
						if err := way[0].Send(t.Context(), []byte(text)); err != nil {
							t.Fatal(err)
						}
						if got, err := way[1].Recv(t.Context()); err != nil || string(got) != text {
							t.Fatalf("%.20q, %v", got, err)
						}
					}
				}
				if st := h.Stats(); st.Requests != 1 || st.Open != 1 || st.Cut != 0 {
					t.Errorf("%+v", st)
				}
				_ = near.Close()
				_ = far.Close()
				synctest.Wait()
				if st := h.Stats(); st.Open != 0 || st.Cut != 0 || st.Answers[200] != 1 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// Whichever end closes, all that was sent arrives.
func TestClosedStreamsLoseNothing(t *testing.T) {
	const count = 300
	streamVersions(t, func(t *testing.T, version string) {
		for _, closer := range []string{"client", "server"} {
			t.Run(closer, func(t *testing.T) {
				for range 20 {
					push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: overHTTP().Transports}})
					pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Transports: overHTTP().Transports}})
					dialing, listening := &push.Socket, gateway.Socket(pull)
					if closer == "server" {
						dialing, listening = &pull.Socket, push
					}
					h := gateway.Stream(listening, nil)
					p := open(t, version, h)
					if _, err := dialing.DialWith(t.Context(), p.dialOf()); err != nil {
						t.Fatal(err)
					}
					closed := make(chan error)
					go func() {
						for i := range count {
							if err := push.Send(t.Context(), fmt.Append(nil, i)); err != nil {
								t.Error(err)
							}
						}
						closed <- push.Close()
					}()
					for i := range count {
						if got, err := pull.Recv(t.Context()); err != nil || string(got) != fmt.Sprint(i) {
							t.Fatalf("%q, %v, want %d", got, err, i)
						}
					}
					if err := <-closed; err != nil {
						t.Error(err)
					}
					_ = pull.Close()
					if st := settled(t, h.Stats); st.Cut != 0 {
						t.Errorf("%+v", st)
					}
				}
			})
		}
	})
}

// The client ends its direction, and still receives; the handler's end comes last.
func TestHalfClosedStreams(t *testing.T) {
	streamVersions(t, func(t *testing.T, version string) {
		h := gateway.Stream(attaches(func(c net.Conn) {
			defer c.Close()
			text, err := io.ReadAll(c)
			_, _ = fmt.Fprintf(c, "after the end: %s %v", text, err)
		}), nil)
		p := open(t, version, h)
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, chunked("all"))
		r.Header.Set("Content-Type", gateway.StreamType)
		a, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		if text, err := io.ReadAll(a.Body); string(text) != "after the end: all <nil>" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		answered(t, h.Stats, "200:1")
	})
}

// Clients that send garbage, nothing, or leave, cost their stream alone. The socket counts them.
func TestStreamsWithoutHandshake(t *testing.T) {
	streamVersions(t, func(t *testing.T, version string) {
		pull := closes(t, spry.NewPull(&spry.PullOptions{Options: spry.Options{HandshakeTimeout: time.Hour}}))
		hasty := closes(t, spry.NewPull(&spry.PullOptions{Options: spry.Options{HandshakeTimeout: 50 * time.Millisecond}}))
		h, other := gateway.Stream(pull, nil), gateway.Stream(hasty, nil)
		mux := http.NewServeMux()
		mux.Handle("/", h)
		mux.Handle("/hasty", other)
		p := open(t, version, mux)
		for _, c := range []struct {
			name string
			body io.Reader
			why  spry.Reason
		}{
			{"garbage", strings.NewReader("GET / HTTP/1.1\r\n\r\n"), spry.ReasonBadHeader},
			{"nothing", http.NoBody, spry.ReasonEarlyEOF},
			{"a part", strings.NewReader("\x00SP"), spry.ReasonEarlyEOF},
			{"another role", strings.NewReader("\x00SP\x00\x00\x51\x00\x00"), spry.ReasonRoleMismatch},
		} {
			before := pull.Stats().Rejected[c.why]
			a := p.do(t, "POST", "/", c.body, "Content-Type", gateway.StreamType)
			if a.status != 200 {
				t.Errorf("%s: %v", c.name, a)
			}
			if after := pull.Stats().Rejected; after[c.why] != before+1 {
				t.Errorf("%s: %v", c.name, after)
			}
		}
		if a := p.do(t, "POST", "/hasty", dripping{t.Context()}, "Content-Type", gateway.StreamType); a.status != 200 {
			t.Error(a)
		}
		if st := hasty.Stats().Rejected; st[spry.ReasonTimeout] != 1 {
			t.Error(st)
		}
		answered(t, h.Stats, "200:4")
		answered(t, other.Stats, "200:1")
		push := closes(t, spry.NewPush(&spry.PushOptions{Options: overHTTP()}))
		if _, err := push.DialWith(t.Context(), p.dialOf()); err != nil {
			t.Fatal(err)
		}
		_ = push.Send(t.Context(), []byte("good"))
		if got, err := pull.Recv(t.Context()); string(got) != "good" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// What is no request for a stream is told so.
func TestMalformedStreams(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		h := gateway.Stream(attaches(func(c net.Conn) { t.Error("attached"); _ = c.Close() }), nil)
		p := open(t, version, h)
		for _, c := range []struct {
			kind   string
			status int
		}{{"", 415}, {"text/plain", 415}, {"application/vnd.sp; x=y", 415}, {"APPLICATION/VND.SP", 415}, {gateway.StreamType, 505}} {
			if c.status == 505 && version != "HTTP/1.1" {
				continue
			}
			if version == "HTTP/1.1" {
				c.status = 505
			}
			if a := p.do(t, "POST", "/", strings.NewReader("x"), "Content-Type", c.kind); a.status != c.status {
				t.Errorf("%q: %v, want %d", c.kind, a, c.status)
			}
		}
		settled(t, h.Stats)
	})
}

// A client that takes nothing is cut when its time is over.
func TestSlowReadersOfStreams(t *testing.T) {
	leak.Check(t)
	for _, version := range versions[1:] {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				written := make(chan error, 1)
				h := gateway.Stream(attaches(func(c net.Conn) {
					defer c.Close()
					_, err := c.Write(make([]byte, 8<<20))
					written <- err
				}), &gateway.Options{WriteTimeout: 3 * time.Second})
				p := open(t, version, h)
				from, to := io.Pipe()
				defer to.Close()
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, from)
				r.Header.Set("Content-Type", gateway.StreamType)
				a, err := p.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer a.Body.Close()
				time.Sleep(4 * time.Second)
				synctest.Wait()
				if err := <-written; err == nil {
					t.Error("all was written")
				}
				if st := h.Stats(); st.Cut != 1 || st.Open != 0 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// attaches is a socket whose connections a function has.
type attaches func(c net.Conn)

func (f attaches) Attach(_ context.Context, c net.Conn, _ *spry.AttachConfig) (*spry.Pipe, error) {
	f(c)
	return nil, nil
}

// Errors say what the answer is, and never the password of the URL.
func TestErrorsOfTransport(t *testing.T) {
	leak.Check(t)
	old := http.NewServeMux()
	old.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	old.Handle("/closed", gateway.Stream(nil, &gateway.Options{Authorize: func(r *http.Request) error {
		if user, password, _ := r.BasicAuth(); user == "user" && password == "hunter2" && r.Header.Get("X-More") == "more" {
			return &gateway.StatusError{Status: http.StatusTeapot, Text: "known"}
		}
		return errors.New("unknown")
	}}))
	modern := open(t, "HTTP/2 without TLS", old)
	secure := open(t, "HTTP/2", old)
	only1 := open(t, "HTTP/2", old, func(s *http.Server) { s.Protocols.SetHTTP2(false) })
	for _, c := range []struct {
		to   *place
		path string
		want string
	}{
		{modern, "/page", "200 OK"},
		{modern, "/page", "text/html"},
		{modern, "/nowhere", "404 Not Found"},
		{modern, "/closed", "418 I'm a teapot"},
		{secure, "/closed", "418 I'm a teapot"},
		{only1, "/page", ""},
	} {
		push := spry.NewPush(&spry.PushOptions{Options: overHTTP("X-More", "more")})
		d := c.to.dialOf()
		d.URL = strings.Replace(c.to.url, "://", "://user:hunter2@", 1) + c.path
		_, err := push.DialWith(t.Context(), d)
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.path, err, c.want)
		}
		if c.want != "" && !errors.Is(err, gateway.ErrNoStream) {
			t.Errorf("%s: %v", c.path, err)
		}
		if err := push.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, url := range []string{"http://", "http:///path", "https://a/b#c", "http://a:b:c/", "http://user:hunter2@a b/"} {
		push := closes(t, spry.NewPush(&spry.PushOptions{Options: overHTTP()}))
		if _, err := push.Dial(t.Context(), url); !errors.Is(err, transport.ErrURL) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := push.Listen(t.Context(), "http://127.0.0.1:0/"); !errors.Is(err, transport.ErrURL) {
			t.Error(err)
		}
	}
}

// A stream that ended is dialed again, and messages that wait are sent then.
func TestStreamsAreDialedAgain(t *testing.T) {
	streamVersions(t, func(t *testing.T, version string) {
		push := closes(t, spry.NewPush(&spry.PushOptions{Options: overHTTP()}))
		pull := closes(t, spry.NewPull(nil))
		h := gateway.Stream(pull, nil)
		var mu sync.Mutex
		current := open(t, version, h)
		d := current.dialOf()
		d.DialContext = func(ctx context.Context, network, address string) (c net.Conn, err error) {
			mu.Lock()
			defer mu.Unlock()
			return current.client.Transport.(*http.Transport).DialContext(ctx, network, address)
		}
		if d.TLS != nil {
			d.TLS.InsecureSkipVerify = true // each server has an authority of its own
		}
		if _, err := push.DialWith(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := push.Send(t.Context(), fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
			if got, err := pull.Recv(t.Context()); err != nil || string(got) != fmt.Sprint(i) {
				t.Fatalf("%q, %v", got, err)
			}
			next := open(t, version, h)
			mu.Lock()
			last := current
			current = next
			mu.Unlock()
			_ = last.server.Close()
			eventually(t, func() string { return differs(h.Stats().Requests, uint64(i+2)) })
		}
	})
}

// The limits of Options hold for streams.
func TestLimitsOfStreams(t *testing.T) {
	streamVersions(t, func(t *testing.T, version string) {
		pull := closes(t, spry.NewPull(nil))
		h := gateway.Stream(pull, &gateway.Options{MaxPerClient: 2})
		p := open(t, version, h)
		for i := range 3 {
			push := closes(t, spry.NewPush(&spry.PushOptions{Options: overHTTP()}))
			if _, err := push.DialWith(t.Context(), p.dialOf()); (err == nil) != (i < 2) || i == 2 && !strings.Contains(err.Error(), "429") {
				t.Error(i, err)
			}
		}
		if st := h.Stats(); st.Open != 2 || st.Answers[429] != 1 {
			t.Errorf("%+v", st)
		}
	})
}

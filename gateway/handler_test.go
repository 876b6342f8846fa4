// SPDX-License-Identifier: MIT

package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
)

// Each kind of failure has its status and text, by every version of HTTP. What is not for clients is only logged.
func TestAnswers(t *testing.T) {
	fails := func(err error) asks {
		return func(context.Context, []byte) ([]byte, error) { return nil, err }
	}
	refuses := func(err error) *gateway.Options {
		return &gateway.Options{Authorize: func(*http.Request) error { return err }}
	}
	secret := errors.New("secret")
	everyVersion(t, func(t *testing.T, version string) {
		for _, c := range []struct {
			name   string
			asker  asks
			o      *gateway.Options
			status int
			detail string
			logged string
		}{
			{"closed socket", fails(spry.ErrClosed), nil, 503, "the socket is closed", "the socket is closed"},
			{"no peer", fails(fmt.Errorf("%w: secret", spry.ErrNoPeer)), nil, 503, "no peer is connected", "no peer"},
			{"no peer in time", fails(fmt.Errorf("%w: %w", spry.ErrNoPeer, context.DeadlineExceeded)), nil, 503, "no peer is connected", "no peer"},
			{"late", fails(context.DeadlineExceeded), nil, 504, "no reply in time", "no reply"},
			{"large", fails(fmt.Errorf("%w: secret", spry.ErrTooLarge)), nil, 413, "the body is larger than a peer takes", "secret"},
			{"other", fails(secret), nil, 502, "the request failed", "secret"},
			{"not authorized", echo, refuses(secret), 403, "not authorized", "secret"},
			{"status of Authorize", echo, refuses(fmt.Errorf("secret: %w", &gateway.StatusError{Status: 401, Text: "log in"})), 401, "log in", "log in"},
			{"authorized", echo, refuses(nil), 200, "", ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				var log bytes.Buffer
				o := gateway.Options{}
				if c.o != nil {
					o = *c.o
				}
				o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
				h := gateway.Ask(c.asker, &o)
				p := open(t, version, h)
				a := p.post(t, "hello", "X-Request-Id", "r-1")
				answered(t, h.Stats, fmt.Sprintf("%d:1", c.status)) // and the handler has ended
				if a.status != c.status || a.header.Get("X-Request-Id") != "r-1" || strings.Contains(a.text, "secret") {
					t.Fatalf("%v with %v, want %d", a, a.header, c.status)
				}
				if c.status == 200 {
					if log.Len() > 0 {
						t.Errorf("logged %s", &log)
					}
					return
				}
				want := fmt.Sprintf(`{"title":%q,"status":%d,"detail":%q,"request_id":"r-1"}`, http.StatusText(c.status), c.status, c.detail)
				if a.text != want || a.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%v of type %s, want %s", a, a.header.Get("Content-Type"), want)
				}
				if retry := a.header.Get("Retry-After"); (retry != "") != (c.status == 503) {
					t.Errorf("Retry-After is %q", retry)
				}
				var line struct {
					Level, RequestID, Path, Client, Error string
					Status                                int
				}
				_ = json.Unmarshal(bytes.ReplaceAll(log.Bytes(), []byte("request_id"), []byte("RequestID")), &line)
				if line.Level != "WARN" || line.RequestID != "r-1" || line.Path != "/" || line.Status != c.status || !strings.Contains(line.Error, c.logged) {
					t.Errorf("logged %s", &log)
				}
			})
		}
	})
}

// Other methods than the handler's are refused before anything is asked.
func TestMethods(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		h := gateway.Ask(asks(func(context.Context, []byte) ([]byte, error) { t.Error("asked"); return nil, nil }), nil)
		p := open(t, version, h)
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "TRACE", "BREW"} {
			if a := p.do(t, method, "/", nil); a.status != 405 || a.header.Get("Allow") != "POST, OPTIONS" {
				t.Errorf("%s: %v with %v", method, a, a.header)
			}
		}
		if a := p.do(t, "OPTIONS", "/", nil); a.status != 204 || a.header.Get("Allow") != "POST, OPTIONS" || a.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%v with %v", a, a.header)
		}
		answered(t, h.Stats, "204:1 405:6")
	})
}

// A request keeps its id if it is harmless, and gets one otherwise. All answers have the headers that keep browsers from guessing and keeping.
func TestRequestIDs(t *testing.T) {
	leak.Check(t)
	p := open(t, "HTTP/1.1", gateway.Ask(echo, nil))
	seen := map[string]bool{}
	for _, c := range []struct {
		id    string
		taken bool
	}{
		{"a", true},
		{"~!{}\"'<>", true},
		{strings.Repeat("x", 128), true},
		{strings.Repeat("x", 129), false},
		{"a b", false},
		{"a\tb", false},
		{"ä", false},
		{"\xff", false},
		{"", false},
	} {
		a := p.post(t, "", "X-Request-Id", c.id)
		id := a.header.Get("X-Request-Id")
		if (id == c.id) != c.taken || id == "" || seen[id] {
			t.Errorf("%q became %q", c.id, id)
		}
		seen[id] = true
		if a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Error(a.header)
		}
	}
}

func TestReplyTypes(t *testing.T) {
	leak.Check(t)
	p := open(t, "HTTP/1.1", gateway.Ask(echo, nil))
	for given, want := range map[string]string{
		"": "application/octet-stream", "text/plain": "application/octet-stream", "application/json": "application/json",
		"application/JSON; charset=utf-8": "application/json", "application/jsonx": "application/octet-stream", ";;": "application/octet-stream",
	} {
		if a := p.post(t, "", "Content-Type", given); a.header.Get("Content-Type") != want {
			t.Errorf("%q became %q, want %q", given, a.header.Get("Content-Type"), want)
		}
	}
	p = open(t, "HTTP/1.1", gateway.Ask(echo, &gateway.Options{ContentType: "text/plain"}))
	if a := p.post(t, "", "Content-Type", "application/json"); a.header.Get("Content-Type") != "text/plain" {
		t.Error(a.header)
	}
}

// Pages of listed origins get the headers of CORS, and others 403.
func TestOrigins(t *testing.T) {
	leak.Check(t)
	for _, c := range []struct {
		name    string
		origins []string
		host    string
		local   string
		origin  []string
		get     bool // an event stream
		allowed bool
	}{
		{"no page", nil, "gw.example", "", nil, false, true},
		{"own host", nil, "gw.example", "", []string{"https://gw.example"}, false, true},
		{"own host in capitals", nil, "gw.example", "", []string{"https://GW.example"}, false, true},
		{"other host", nil, "gw.example", "", []string{"https://evil.example"}, false, false},
		{"other port", nil, "gw.example", "", []string{"https://gw.example:8443"}, false, false},
		{"sandbox", nil, "gw.example", "", []string{"null"}, false, false},
		{"two origins", nil, "gw.example", "", []string{"https://gw.example", "https://gw.example"}, false, false},
		{"localhost", nil, "localhost:80", "127.0.0.1", []string{"http://localhost:80"}, false, true},
		{"loopback", nil, "127.0.0.1:80", "127.0.0.1", []string{"http://127.0.0.1:80"}, false, true},
		{"loopback of IPv6", nil, "[::1]:80", "::1", []string{"http://[::1]:80"}, false, true},
		{"rebound name", nil, "evil.example", "127.0.0.1", []string{"http://evil.example"}, false, false},
		{"program at a loopback address", nil, "gw.example", "127.0.0.1", nil, false, true},
		{"events of a rebound name", nil, "evil.example", "127.0.0.1", nil, true, false},
		{"events of a rebound name that is listed", []string{"http://evil.example"}, "evil.example", "127.0.0.1", nil, true, true},
		{"events of localhost", nil, "localhost:80", "127.0.0.1", nil, true, true},
		{"events elsewhere", nil, "evil.example", "10.0.0.1", nil, true, true},
		{"listed", []string{"https://a.example", "https://b.example"}, "gw.example", "", []string{"https://B.example"}, false, true},
		{"not listed", []string{"https://a.example"}, "gw.example", "", []string{"https://b.example"}, false, false},
		{"own host not listed", []string{"https://a.example"}, "gw.example", "", []string{"https://gw.example"}, false, false},
		{"listed twice", []string{"https://a.example"}, "gw.example", "", []string{"https://a.example", "https://a.example"}, false, false},
		{"all", []string{"*"}, "gw.example", "127.0.0.1", []string{"https://b.example"}, false, true},
		{"program, with a list", []string{"https://a.example"}, "gw.example", "127.0.0.1", nil, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			closed := make(source)
			close(closed)
			events := gateway.NewEvents(closed, &gateway.EventOptions{Options: gateway.Options{Origins: c.origins}})
			defer events.Close()
			ask := gateway.Ask(echo, &gateway.Options{Origins: c.origins})
			var h http.Handler = ask
			method, good := "POST", 200
			if c.get {
				h, method, good = events, "GET", 200
			}
			for _, asked := range []string{method, "OPTIONS"} {
				r := httptest.NewRequest(asked, "http://"+c.host+"/", nil)
				if c.local != "" {
					r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, tcpAddr(c.local)))
				}
				r.Header["Origin"] = c.origin
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				want := good
				switch {
				case !c.allowed:
					want = 403
				case asked == "OPTIONS":
					want = 204
				case c.get:
					want = w.Code // 200, or 503 when the end of the source has been seen
					if w.Code != 200 && w.Code != 503 {
						t.Error(w.Code)
					}
				}
				header := w.Header()
				if w.Code != want {
					t.Errorf("%s: %d, want %d: %s", asked, w.Code, want, w.Body)
				}
				if (header.Get("Vary") == "Origin") != (c.origins != nil) {
					t.Errorf("Vary is %q", header.Get("Vary"))
				}
				allowed := ""
				if c.allowed && c.origin != nil {
					allowed = c.origin[0]
				}
				if header.Get("Access-Control-Allow-Origin") != allowed {
					t.Errorf("%s: %v", asked, header)
				}
				if preflight := asked == "OPTIONS" && allowed != ""; (header.Get("Access-Control-Allow-Methods") == method+", OPTIONS") != preflight ||
					strings.Contains(header.Get("Access-Control-Allow-Headers"), "Last-Event-ID") != preflight ||
					(header.Get("Access-Control-Max-Age") == "600") != preflight {
					t.Errorf("%s: %v", asked, header)
				}
			}
		})
	}
}

// Authorize does not see what browsers ask before requests, and sees others before their bodies.
func TestAuthorizeAndPreflights(t *testing.T) {
	leak.Check(t)
	h := gateway.Ask(echo, &gateway.Options{
		Origins:   []string{"https://a.example"},
		Authorize: func(*http.Request) error { return errors.New("no") },
	})
	p := open(t, "HTTP/1.1", h)
	if a := p.do(t, "OPTIONS", "/", nil, "Origin", "https://a.example"); a.status != 204 {
		t.Error(a)
	}
	w := p.wire(t)
	w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")
	if a := w.answer(); a.status != 403 || a.header.Get("Connection") != "close" {
		t.Error(a, a.header)
	}
	answered(t, h.Stats, "204:1 403:1")
}

// A time that is named is used, up to the longest; without a name, the default.
func TestTimes(t *testing.T) {
	leak.Check(t)
	o := &gateway.Options{Timeout: 3 * time.Second, MaxTimeout: time.Minute}
	for header, want := range map[string]time.Duration{
		"": 3 * time.Second, "1500ms": 1500 * time.Millisecond, "2s": 2 * time.Second, "250": 250 * time.Millisecond,
		"1h": time.Minute, "99999999999": time.Minute, "9223372036854775807": time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			p := open(t, "HTTP/1.1", gateway.Ask(echo, o))
			if a := p.post(t, "drop", "Spry-Timeout", header); a.status != 504 || time.Since(began) != want {
				t.Errorf("%q: %v after %v, want %v", header, a, time.Since(began), want)
			}
		})
	}
	p := open(t, "HTTP/1.1", gateway.Ask(echo, o))
	for _, header := range []string{"0", "-1s", "1", "soon", "1.5", "1e9h", "99999999999999999999", "5 s", "5s\x00"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway.test/", strings.NewReader("x"))
		r.Header.Set("Spry-Timeout", header)
		w := httptest.NewRecorder()
		p.server.Handler.ServeHTTP(w, r)
		if want := 400; w.Code != want && !(header == "1" && w.Code == 200) {
			t.Errorf("%q: %d, want %d", header, w.Code, want)
		}
	}
}

// A client that goes away, or only ends its side of the connection, ends its request. If it still reads, it does not take that for success.
func TestGoneClients(t *testing.T) {
	leak.Check(t)
	begun, ended := make(chan struct{}), make(chan error, 1)
	h := gateway.Ask(asks(func(ctx context.Context, _ []byte) ([]byte, error) {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}), nil)
	s := serve(t, h)
	c := dialTCP(t, s)
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
	<-begun
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if text, _ := io.ReadAll(c); !strings.HasPrefix(string(text), "HTTP/1.1 499 ") {
		t.Errorf("%q", text)
	}
	everyVersion(t, func(t *testing.T, version string) {
		p := open(t, version, h)
		ctx, leave := context.WithCancel(t.Context())
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, p.url, strings.NewReader("x"))
		done := make(chan struct{})
		go func() {
			defer close(done)
			if a, err := p.client.Do(r); err == nil {
				_ = a.Body.Close()
				t.Error(a.Status)
			}
		}()
		<-begun
		leave()
		<-done
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	answered(t, h.Stats, "499:4")
}

// The time of a request that has another deadline, which the application set, ends as any other.
func TestDeadlineOfTheApplication(t *testing.T) {
	leak.Check(t)
	h := gateway.Ask(echo, nil)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("drop")).WithContext(ctx))
	if w.Code != 504 {
		t.Error(w.Code, w.Body)
	}
}

// The deadlines of one request are not those of the next one on the same connection, of whatever handler.
func TestDeadlinesEndWithTheirRequest(t *testing.T) {
	const limit = 2 * time.Second
	o := &gateway.Options{BodyTimeout: limit, WriteTimeout: limit, Origins: []string{"https://a.example"}}
	leak.Check(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				survey := &inquirer{answers: make(chan string)}
				mux := http.NewServeMux()
				mux.Handle("/", gateway.Ask(echo, o))
				mux.Handle("/survey", gateway.Survey(survey, o))
				mux.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(w, r.Body)
				})
				p := open(t, version, mux)
				dials := 0
				carrier := p.client.Transport.(*http.Transport)
				dial := carrier.DialContext
				carrier.DialContext = func(ctx context.Context, network, address string) (conn net.Conn, err error) {
					dials++
					return dial(ctx, network, address)
				}
				for range 3 {
					if a := p.post(t, "hello"); a.status != 200 || a.text != "echo hello" {
						t.Fatal(a)
					}
					time.Sleep(3 * limit)
					if a := p.do(t, "POST", "/plain", strings.NewReader("plain")); a.text != "plain" {
						t.Fatal(a)
					}
					time.Sleep(3 * limit)
					if a := p.post(t, "no", "Origin", "https://evil.example"); a.status != 403 {
						t.Fatal(a)
					}
					time.Sleep(3 * limit)
					go func() {
						for _, text := range []string{"a", "b"} {
							time.Sleep(3 * limit) // the client waits, and owes nothing
							survey.answers <- text
						}
					}()
					if a := p.do(t, "POST", "/survey", strings.NewReader("q"), "Spry-Timeout", "30s"); a.text != "{\"body\":\"qa\"}\n{\"body\":\"qb\"}\n" {
						t.Fatal(a)
					}
					time.Sleep(3 * limit)
				}
				if dials != 1 {
					t.Errorf("%d connections", dials)
				}
			})
		})
	}
}

// A survey that fails in the middle is not taken for a whole one.
func TestCutSurvey(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		survey := &inquirer{answers: make(chan string, 1), err: spry.ErrClosed}
		h := gateway.Survey(survey, nil)
		p := open(t, version, h)
		client := gateway.Client{HTTP: p.client}
		survey.answers <- "1"
		var got []string
		var last error
		for answer, err := range client.Survey(t.Context(), p.url, []byte("q")) {
			if last = err; err == nil {
				got = append(got, string(answer))
				close(survey.answers)
			}
		}
		if fmt.Sprint(got) != "[q1]" || last == nil {
			t.Errorf("%q, and then %v", got, last)
		}
		if st := settled(t, h.Stats); st.Cut != 1 || st.Answers[200] != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// Leaving the loop over the answers ends the survey.
func TestSurveyIsLeft(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		survey := &inquirer{answers: make(chan string, 3)}
		h := gateway.Survey(survey, nil)
		p := open(t, version, h)
		for range 3 {
			survey.answers <- "x"
		}
		client := gateway.Client{HTTP: p.client}
		for answer, err := range client.Survey(t.Context(), p.url, []byte("q")) {
			if string(answer) != "qx" || err != nil {
				t.Errorf("%q, %v", answer, err)
			}
			break
		}
		settled(t, h.Stats)
	})
}

func TestSurveyWithoutPeerOrAnswers(t *testing.T) {
	leak.Check(t)
	lonely := closes(t, spry.NewSurveyor(nil))
	h := gateway.Survey(lonely, nil)
	p := open(t, "HTTP/1.1", h)
	if a := p.post(t, "anybody?"); a.status != 503 || !strings.Contains(a.text, "no peer") {
		t.Error(a)
	}
	p = open(t, "HTTP/1.1", gateway.Survey(&inquirer{}, nil))
	if a := p.post(t, "anybody?", "Spry-Timeout", "1ms"); a.status != 200 || a.text != "" || a.header.Get("Content-Type") != "application/x-ndjson" {
		t.Error(a, a.header)
	}
}

// What panics in a hook of the application is counted, and nothing stays open.
func TestPanickingHook(t *testing.T) {
	leak.Check(t)
	h := gateway.Ask(echo, &gateway.Options{Authorize: func(*http.Request) error { panic(http.ErrAbortHandler) }, MaxPerClient: 1})
	p := open(t, "HTTP/1.1", h)
	for range 3 {
		if a := p.post(t, "hello"); a.status != 0 {
			t.Error(a)
		}
	}
	answered(t, h.Stats, "500:3")
}

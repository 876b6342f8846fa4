// SPDX-License-Identifier: MIT

package dash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/observe"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// page returns a Sub that receives what a page does.
func page(t *testing.T, s *httptest.Server) *spry.Sub {
	t.Helper()
	sub := spry.NewSub(&spry.SubOptions{Overflow: spry.Block, Options: spry.Options{Unlisted: true, Transports: []transport.Transport{ws.Transport{}}}})
	testkit.CloseAll(t, sub)
	testkit.Check(t, sub.Subscribe(""))
	_, err := sub.Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/feed")
	testkit.Check(t, err)
	return sub
}

// until receives messages until one whose topic begins so is as wanted.
func until(t *testing.T, sub *spry.Sub, topic string, wanted func(data []byte) bool) {
	t.Helper()
	for {
		text, err := sub.Recv(t.Context())
		testkit.Check(t, err)
		name, data, ok := bytes.Cut(text, []byte("\n"))
		if !ok || !json.Valid(data) {
			t.Fatalf("%q", text)
		}
		if strings.HasPrefix(string(name), topic) && wanted(data) {
			return
		}
	}
}

func nodeOf(t *testing.T, data []byte) (n nodeView) {
	t.Helper()
	testkit.Check(t, json.Unmarshal(data, &n))
	return n
}

// A page that opens late gets what there is, and then what changes.
func TestFeed(t *testing.T) {
	leak.Check(t)
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Name: "jobs"}})
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Name: "jobs"}})
	testkit.CloseAll(t, push, pull)
	e, err := pull.Listen(t.Context(), "tcp://127.0.0.1:0")
	testkit.Check(t, err)
	s := serve(t, open(t, nil))
	first := page(t, s)
	until(t, first, "dash", func(data []byte) bool {
		var v struct {
			At    time.Time `json:"at"`
			Nodes int       `json:"nodes"`
			Tap   *bool     `json:"tap"`
		}
		testkit.Check(t, json.Unmarshal(data, &v))
		return v.Nodes == 1 && !v.At.IsZero() && v.Tap != nil && !*v.Tap
	})
	_, err = push.Dial(t.Context(), e.URL())
	testkit.Check(t, err)
	for range 10 {
		testkit.Check(t, push.Send(t.Context(), []byte("x")))
		_, err := pull.Recv(t.Context())
		testkit.Check(t, err)
	}
	for _, sub := range []*spry.Sub{first, page(t, s)} {
		until(t, sub, "node/"+spry.Instance(), func(data []byte) bool {
			n := nodeOf(t, data)
			if len(n.Sockets) != 2 || n.PID != os.Getpid() || n.State != up || len(n.Sockets[0].Pipes) != 1 || len(n.Sockets[1].Pipes) != 1 {
				return false
			}
			a, b := n.Sockets[0], n.Sockets[1]
			want := pipeRef{n.Instance, b.ID, b.Pipes[0].ID}
			return a.Name == "jobs" && a.Totals.Sent == 10 && b.Totals.Delivered == 10 && a.Pipes[0].Peer != nil && *a.Pipes[0].Peer == want
		})
	}
	testkit.Check(t, push.Close())
	until(t, page(t, s), "event/", func(data []byte) bool {
		var v struct {
			Instance string `json:"instance"`
			observe.Event
		}
		testkit.Check(t, json.Unmarshal(data, &v))
		return v.Kind == "pipe_down" && v.Instance == spry.Instance() && v.Socket == pull.ID()
	})
}

// Pages that read nothing take no memory beyond their queues, keep no other waiting, and are limited.
func TestPagesThatDoNotRead(t *testing.T) {
	leak.Check(t)
	d := open(t, &Options{MaxPages: 20})
	s := serve(t, d)
	for range 19 {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		testkit.Check(t, err)
		defer c.Close()
		_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
		_, err = io.WriteString(c, "GET /feed HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: pub.sp.nanomsg.org\r\n\r\n")
		testkit.Check(t, err)
		head := make([]byte, 12)
		if _, err = io.ReadFull(c, head); err != nil || string(head) != "HTTP/1.1 101" {
			t.Fatalf("%q, %v", head, err)
		}
	}
	reader := page(t, s)
	if answer, _ := ask(t, s.Client(), s.URL+"/feed"); answer.StatusCode != http.StatusServiceUnavailable {
		t.Error(answer.Status)
	}
	before := testkit.Heap()
	text := bytes.Repeat([]byte("x"), 100<<10)
	for i := range 300 { // 30 MB, of which only the latest counts
		data, err := json.Marshal(fmt.Sprint(i, string(text)))
		testkit.Check(t, err)
		d.store.put("node/large", data)
		if i%100 == 99 {
			until(t, reader, "node/large", func(got []byte) bool { return bytes.Equal(got, data) })
		}
	}
	if grown := int64(testkit.Heap()) - int64(before); grown > 80<<20 {
		t.Errorf("the pages take %d bytes", grown)
	}
}

// A page whose program closes the dashboard is closed, and no goroutine is left.
func TestClose(t *testing.T) {
	leak.Check(t)
	d, err := New(nil)
	testkit.Check(t, err)
	s := serve(t, d)
	sub := page(t, s)
	until(t, sub, "dash", func([]byte) bool { return true })
	testkit.Check(t, d.Close())
	testkit.Check(t, d.Close())
	testkit.Eventually(t, "the page has no pipe", func() bool { return len(sub.Stats().Pipes) == 0 || !sub.Stats().Pipes[0].Live })
	if answer, _ := ask(t, s.Client(), s.URL+"/"); answer.StatusCode != http.StatusServiceUnavailable {
		t.Error(answer.Status)
	}
	testkit.Check(t, sub.Close())
}

// A network is one of processes in virtual time.
type network func(r *http.Request) (*http.Response, error)

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/events") {
		return answerOf(http.StatusNotFound, ""), nil
	}
	return n(r)
}

func answerOf(status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(text))}
}

func reportOf(instance string) *http.Response {
	return answerOf(http.StatusOK, fmt.Sprintf(`{"instance":%q,"process":{"name":"x","host":"h","pid":1},"sockets":[]}`, instance))
}

// shown is the state of a process that the pages have.
func shown(t *testing.T, d *Dash, instance string) (s state) {
	t.Helper()
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	if v := d.store.topics["node/"+instance]; v != nil {
		_, data, _ := bytes.Cut(v.text, []byte("\n"))
		return nodeOf(t, data).State
	}
	return ""
}

// A process that was killed is shown as gone within 3 s, and one that hangs keeps no other waiting.
func TestTimeliness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, hangs := time.Now().Add(10300*time.Millisecond), time.Now().Add(20300*time.Millisecond)
		const others = 200
		var nodes []*observe.Node
		add := func(name string, answer network) {
			nodes = append(nodes, &observe.Node{URL: "http://" + name, Client: &http.Client{Transport: answer}})
		}
		add("mortal", func(*http.Request) (*http.Response, error) {
			if time.Now().After(dead) {
				return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}
			return reportOf("mortal"), nil
		})
		add("sleepy", func(r *http.Request) (*http.Response, error) {
			if time.Now().After(hangs) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return reportOf("sleepy"), nil
		})
		for i := range others {
			name := fmt.Sprint("other", i)
			add(name, func(*http.Request) (*http.Response, error) {
				time.Sleep(20 * time.Millisecond)
				return reportOf(name), nil
			})
		}
		d, err := New(&Options{Nodes: nodes})
		testkit.Check(t, err)
		defer d.Close()
		time.Sleep(10 * time.Second)
		for _, name := range []string{"mortal", "sleepy", "other0", fmt.Sprint("other", others-1)} {
			if s := shown(t, d, name); s != up {
				t.Errorf("%s is %q", name, s)
			}
		}
		time.Sleep(time.Until(dead) + 3*time.Second)
		if s := shown(t, d, "mortal"); s != gone {
			t.Errorf("a killed process is %q", s)
		}
		time.Sleep(time.Until(hangs) + 4*time.Second)
		if s := shown(t, d, "sleepy"); s != unreachable {
			t.Errorf("a process that hangs is %q", s)
		}
		if s := shown(t, d, "other100"); s != up {
			t.Errorf("another is %q", s)
		}
	})
}

// A process that has ended is removed after a while, and the pages are told that for a while only.
func TestRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := time.Now().Add(3 * time.Second)
		n := &observe.Node{URL: "http://mortal", Client: &http.Client{Transport: network(func(*http.Request) (*http.Response, error) {
			if time.Now().After(dead) {
				return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}
			return reportOf("mortal"), nil
		})}}
		d, err := New(&Options{Nodes: []*observe.Node{n}})
		testkit.Check(t, err)
		defer d.Close()
		for _, step := range []struct {
			after time.Duration
			want  state
		}{{2 * time.Second, up}, {60 * time.Second, gone}, {66 * time.Second, removed}, {130 * time.Second, ""}} {
			time.Sleep(time.Until(dead.Add(step.after - 3*time.Second)))
			if s := shown(t, d, "mortal"); s != step.want {
				t.Errorf("after %v, the process is %q, want %q", step.after, s, step.want)
			}
		}
	})
}

// A flood of events of one process becomes a few, and says so.
func TestEventsAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flood := network(func(*http.Request) (*http.Response, error) { return reportOf("flood"), nil })
		n := &observe.Node{URL: "http://flood", Client: &http.Client{Transport: flooding{flood}}}
		d, err := New(&Options{Nodes: []*observe.Node{n}})
		testkit.Check(t, err)
		defer d.Close()
		time.Sleep(60 * time.Second)
		if got := d.events.n.Load(); got < 50*eventRate || got > 62*eventRate {
			t.Errorf("%d events in a minute", got)
		}
		d.store.mu.Lock()
		defer d.store.mu.Unlock()
		if len(d.store.topics) != keptEvents+2 {
			t.Errorf("%d topics", len(d.store.topics))
		}
	})
}

type flooding struct{ network }

func (f flooding) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/events") {
		return f.network(r)
	}
	in, out := io.Pipe()
	go func() {
		for {
			if _, err := io.WriteString(out, "event: drop\ndata: {\"kind\":\"drop\",\"socket\":1}\n\n"); err != nil {
				return
			}
		}
	}()
	context.AfterFunc(r.Context(), func() { _ = in.CloseWithError(r.Context().Err()) })
	a := answerOf(http.StatusOK, "")
	a.Body = in
	return a, nil
}

// SPDX-License-Identifier: MIT

package reverseproxy_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// feed serves what a Pub publishes as events, with a sign of life after each interval without one.
func (x *proxy) feed(t *testing.T, mux *http.ServeMux, keepAlive time.Duration) *spry.Pub {
	t.Helper()
	pub := spry.NewPub(&spry.PubOptions{Options: kit.Options})
	sub := spry.NewSub(&spry.SubOptions{Options: kit.Options})
	testkit.Check(t, sub.Subscribe(""))
	behind(t, sub, pub)
	kit.WaitPipes(t, pub, 1)
	events := gateway.NewEvents(sub, &gateway.EventOptions{Options: x.limits(), KeepAlive: keepAlive})
	t.Cleanup(func() { _ = events.Close() })
	mux.Handle("/events", events)
	return pub
}

func publish(t *testing.T, pub *spry.Pub, n int) {
	t.Helper()
	testkit.Check(t, pub.Send(kit.Watched(t), fmt.Append(nil, "event ", n)))
}

// A listener is curl that reads events.
type listener struct {
	lines *bufio.Reader
	end   func()
	id    string // of the latest event or position
}

// listen has curl read events after an id.
func (x *proxy) listen(t *testing.T, id, version string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(kit.Watched(t))
	args := x.curlArgs(t, "/events", version)
	if id != "" {
		args = append(args, "--header", "Last-Event-ID: "+id)
	}
	c := exec.CommandContext(ctx, peer.Find(t, "curl", "curl"), args...)
	out, err := c.StdoutPipe()
	testkit.Check(t, err)
	testkit.Check(t, c.Start())
	l := &listener{lines: bufio.NewReader(out), id: id}
	l.end = sync.OnceFunc(func() {
		cancel()
		_ = c.Wait() // it was killed
	})
	t.Cleanup(l.end)
	return l
}

// position waits until the stream has begun.
func (l *listener) position(t *testing.T) {
	t.Helper()
	for l.id == "" {
		line, err := l.lines.ReadString('\n')
		testkit.Check(t, err)
		if id, found := strings.CutPrefix(line, "id: "); found {
			l.id = strings.TrimSuffix(id, "\n")
		}
	}
}

// next reads an event, and passes over positions and comments.
func (l *listener) next(t *testing.T) (kind, data string) {
	t.Helper()
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ends after %q: %v", l.id, err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			l.id = value
		case "event":
			kind = value
		case "data":
			data = value
		case "":
			if data != "" {
				return kind, data
			}
		}
	}
}

// expect reads event n.
func (l *listener) expect(t *testing.T, n int) {
	t.Helper()
	kind, data := l.next(t)
	if want := fmt.Sprintf(`{"body":"event %d"}`, n); kind != "" || data != want {
		t.Fatalf("an event of type %q is %s, not %s", kind, data, want)
	}
}

// TestEvents reads events by curl. Each one arrives before the next is published, so nothing holds them back. When the proxy was killed and
// started again, the stream goes on where it was: without a gap, and without a duplicate.
func TestEvents(t *testing.T) {
	eachProxy(t, "server-sent events by curl", func(t *testing.T, x *proxy) {
		mux := http.NewServeMux()
		pub := x.feed(t, mux, time.Second)
		x.serve(t, mux)
		n := 0
		for _, version := range []string{"--http1.1", "--http2"} {
			l := x.listen(t, "", version)
			l.position(t)
			for range 3 {
				for range 5 {
					n++
					publish(t, pub, n)
					l.expect(t, n)
				}
				x.restart(t)
				l.end()
				for i := range 5 { // while nobody listens
					publish(t, pub, n+1+i)
				}
				l = x.listen(t, l.id, version)
				for range 5 {
					n++
					l.expect(t, n)
				}
			}
			l.end()
		}
	})
}

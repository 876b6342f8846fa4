// SPDX-License-Identifier: MIT

package websocket_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// piece is how large the fragments of peers are.
const piece = 1000

// noStatus is the status of a connection that has ended without a close frame.
const noStatus = 1006

// A conn is a connection of a library.
type conn interface {
	// read returns the next message. It answers pings, and calls ponged when a ping was answered.
	read() ([]byte, error)
	write(body []byte, text, fragmented bool) error
	ping() error
	close(status int, reason string) error
	status(err error) int // of the close frame that an error of read stands for
	abort()               // ends read
}

// converse is what an [echoer] does with a connection, until that or ctx ends.
func converse(ctx context.Context, c conn, fragmented bool) (status int) {
	stop := context.AfterFunc(ctx, c.abort)
	defer stop()
	for {
		body, err := c.read()
		if err != nil {
			return c.status(err)
		}
		verb, operand, _ := strings.Cut(string(body), " ")
		number := 0
		if operand != "" {
			_, _ = fmt.Sscan(operand, &number)
		}
		switch verb {
		case "!ping":
			err = c.ping()
		case "!text":
			err = c.write([]byte("text"), true, false)
		case "!send":
			err = c.write(make([]byte, number), false, fragmented)
		case "!close":
			err = c.close(number, "as told")
		default:
			err = c.write(body, false, fragmented)
		}
		if err != nil {
			return noStatus
		}
	}
}

// pieces cuts a body, which may be empty.
func pieces(body []byte) [][]byte {
	var all [][]byte
	for len(body) > piece {
		all = append(all, body[:piece])
		body = body[piece:]
	}
	return append(all, body)
}

// A goEchoer is an [echoer] in this process.
type goEchoer struct {
	mu       sync.Mutex
	begun    int
	statuses map[int]int
}

func (e *goEchoer) closed(t *testing.T, n int) int {
	t.Helper()
	status := 0
	kit.WaitFor(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		status = e.statuses[n]
		return status != 0
	})
	return status
}

// next is the number of a new connection.
func (e *goEchoer) next() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.begun++
	return e.begun
}

func (e *goEchoer) ended(n, status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.statuses[n] = status
}

// fragmenting reports whether a connection is one that sends fragments.
func fragmenting(n int) bool { return n%2 == 0 }

// A library of Go.
type library struct {
	// dial connects as a client. fragmented says whether messages are written so, which some libraries must know before.
	dial func(ctx context.Context, url string, config *tls.Config, fragmented bool) (conn, error)
	// accept serves a connection of a server.
	accept func(w http.ResponseWriter, r *http.Request, fragmented bool) (conn, error)
}

// start runs an echoer with the library.
func (l library) start(t *testing.T, a kit.Address) echoer {
	t.Helper()
	e := &goEchoer{statuses: map[int]int{}}
	var config *tls.Config
	if a.TLS != nil {
		config = a.TLS.Config(!a.SpryListens)
	}
	ctx, cancel := context.WithTimeout(context.Background(), peer.Watchdog)
	if !a.SpryListens {
		l.serve(ctx, t, a, config, e)
		t.Cleanup(cancel) // first
		return e
	}
	gone := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-gone
	})
	go func() {
		defer close(gone)
		for n := e.next(); ctx.Err() == nil; time.Sleep(retry) {
			c, err := l.dial(ctx, a.URL, config, fragmenting(n))
			if err != nil {
				continue
			}
			e.ended(n, converse(ctx, c, fragmenting(n)))
			n = e.next()
		}
	}()
	return e
}

// serve is the server's part of start.
func (l library) serve(ctx context.Context, t *testing.T, a kit.Address, config *tls.Config, e *goEchoer) {
	t.Helper()
	u, err := url.Parse(a.URL)
	testkit.Check(t, err)
	listener, err := net.Listen("tcp", u.Host)
	testkit.Check(t, err)
	if config != nil {
		config.NextProtos = []string{"http/1.1"}
		listener = tls.NewListener(listener, config)
	}
	var serving sync.WaitGroup
	server := &http.Server{ReadHeaderTimeout: peer.Watchdog, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1)
		defer serving.Done()
		n := e.next()
		c, err := l.accept(w, r, fragmenting(n))
		if err != nil {
			t.Errorf("the peer refuses connection %d: %v", n, err)
			return
		}
		e.ended(n, converse(ctx, c, fragmenting(n)))
	})}
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
}

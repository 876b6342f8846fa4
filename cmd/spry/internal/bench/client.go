// SPDX-License-Identifier: MIT

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// interruptGrace is how long an interrupted run may take to end in an orderly way.
const interruptGrace = 5 * time.Second

// A client asks a server for runs and does its own side of them.
type client struct {
	url            string
	tls            endpoint.TLS
	network        *spry.Network
	connectTimeout time.Duration
	control        *spry.Req
}

// connect connects to the server.
func (c *client) connect(ctx context.Context) error {
	if err := endpoint.Check(c.url); err != nil {
		return exit.Errorf(exit.Usage, "%w", err)
	}
	// A request that is sent twice would begin two runs.
	c.control = spry.NewReq(&spry.ReqOptions{Options: spry.Options{MaxMessageSize: maxControl, Network: c.network, Transports: endpoint.Transports()}, Retry: -1})
	connecting, cancel := context.WithTimeout(ctx, c.connectTimeout)
	defer cancel()
	if err := c.dial(connecting, c.control, c.url); err != nil {
		c.control.Close()
		return exit.Errorf(exit.NoPeer, "no spry bench serve: %w", err)
	}
	return nil
}

func (c *client) close() { c.control.Close() }

// dial connects a socket, and does not return before it has.
func (c *client) dial(ctx context.Context, socket endpoint.Socket, url string) error {
	client, err := c.tls.Dialer(nil)
	if err != nil {
		return err
	}
	_, err = socket.DialWith(ctx, &spry.DialConfig{URL: url, GetTLS: client})
	return err
}

// ask sends one request to the server.
func (c *client) ask(ctx context.Context, q request) (reply, error) {
	q.Version = version
	body, err := json.Marshal(q)
	if err != nil {
		return reply{}, err
	}
	answer, err := c.control.Do(ctx, body)
	if err != nil {
		return reply{}, err
	}
	r, err := decodeReply(answer)
	if err != nil {
		return r, fmt.Errorf("%s: %w", c.url, err)
	}
	return r, nil
}

// run does one run. When ctx ends it stops measuring, and returns its results so far.
func (c *client) run(ctx context.Context, w *Work) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	ending, cancel := graceful(ctx)
	working, stop := context.WithCancel(ctx)
	gone, watched := c.serverGone(), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-gone:
			stop()
			cancel()
		case <-ending.Done():
		}
	}()
	r, err := c.runWith(working, ending, w)
	stop()
	cancel()
	<-watched
	if err != nil {
		select {
		case <-gone: // which is why it failed, whatever the error says
			err = fmt.Errorf("the connection to %s was lost during the run", c.url)
		default:
		}
	}
	return r, err
}

// runWith does one run: it measures until working ends, and completes the run until ending does.
func (c *client) runWith(working, ending context.Context, w *Work) (Result, error) {
	starting, cancelStart := context.WithTimeout(ending, c.connectTimeout)
	defer cancelStart()
	begun, err := c.ask(starting, request{Start: w})
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return Result{}, exit.Errorf(exit.NoPeer, "%s does not answer within %s: it may be no spry bench serve", c.url, c.connectTimeout)
		}
		return Result{}, err
	}
	url, err := dataURL(c.url, begun.URL)
	if err != nil {
		return Result{}, err
	}
	r := &dialing{client: c, work: w, number: begun.Run, url: url, ending: ending}
	switch w.Kind {
	case Thr:
		return r.push(working)
	case Fan:
		return r.subscribe(working)
	default:
		return r.call(working)
	}
}

// serverGone is closed when the control connection is.
func (c *client) serverGone() <-chan struct{} {
	for p := range c.control.Pipes() {
		return p.Done()
	}
	gone := make(chan struct{})
	close(gone)
	return gone
}

// graceful is a context that ends some time after ctx.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	ending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(interruptGrace):
			cancel()
		case <-ending.Done():
		}
	})
	return ending, func() { stop(); cancel() }
}

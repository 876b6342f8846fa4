// SPDX-License-Identifier: MIT

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/transport"
)

// Options of [Run] and [RunWithin].
type Options struct {
	URL            string // of the server
	TLS            endpoint.TLS
	ConnectTimeout time.Duration

	Work   Work // but for its size
	Sizes  []int
	Rounds int

	Form      Form
	Histogram bool // beneath the table
	Out, Err  io.Writer
	Live      bool // Err is a terminal: show progress in place
	Width     int  // of the table, 0 for any
	Bold      bool

	network *spry.Network
}

// Run makes every run of a server and prints the results. Interrupted, it prints what there is.
func Run(ctx context.Context, o Options) error {
	for _, size := range o.Sizes {
		w := o.Work
		w.Size = size
		if err := w.Check(); err != nil {
			return exit.Errorf(exit.Usage, "%w", err)
		}
	}
	c := &client{url: o.URL, tls: o.TLS, connectTimeout: o.ConnectTimeout, network: o.network}
	if err := c.connect(ctx); err != nil {
		return err
	}
	defer c.close()
	p := &report{out: o.Out, form: o.Form, histogram: o.Histogram, width: o.Width, bold: o.Bold}
	err := o.runs(ctx, c, p)
	return errors.Join(ended(ctx, err, o.Work.Count > 0, len(p.results)), p.end())
}

// runs goes through the sizes round by round, so that what slows the machine for a while does not slow one of them.
func (o *Options) runs(ctx context.Context, c *client, p *report) error {
	u, err := transport.ParseURL(o.URL)
	if err != nil {
		return err
	}
	defer o.progress("")
	for round := range o.Rounds {
		for _, size := range o.Sizes {
			w := o.Work
			w.Size = size
			o.progress("%s over %s, round %d of %d", &w, u.Scheme, round+1, o.Rounds)
			r, err := c.run(ctx, &w)
			if err == nil && r.Messages > 0 {
				o.progress("")
				r.describe(&w, u.Scheme, round+1)
				err = p.add(r)
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// ended turns the way in which the runs ended into the command's own error. An interrupt is one only if a number of
// messages was asked for.
func ended(ctx context.Context, err error, counted bool, results int) error {
	switch {
	case ctx.Err() == nil || err == nil:
		return err
	case !counted:
		return nil
	case results > 0:
		return exit.Errorf(exit.Partial, "interrupted")
	default:
		return exit.Errorf(exit.NoPeer, "interrupted")
	}
}

// progress replaces the progress line on a terminal.
func (o *Options) progress(form string, args ...any) {
	if o.Live {
		fmt.Fprintf(o.Err, "\r\x1b[K"+form, args...)
	}
}

// RunWithin is Run with a server in this process.
func RunWithin(ctx context.Context, o Options) error {
	const url = "inproc://bench"
	o.URL, o.network = url, spry.NewNetwork()
	server, err := Listen(ctx, ServerOptions{Listen: url, Network: o.network, Say: func(string, ...any) {}})
	if err != nil {
		return err
	}
	// The server outlives an interrupt: runs end in an orderly way.
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- server.Serve(serving) }()
	err = Run(ctx, o)
	cancel()
	return errors.Join(err, <-served)
}

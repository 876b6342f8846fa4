// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/source"
	"github.com/sprymq/spry/zmq"
)

var errNothingToSend = errors.New("there is nothing to send; use --data '' for an empty message")

// awaitPeers waits until a peer is connected, and then for --delay.
func (r *run) awaitPeers(ctx context.Context) error {
	patience := r.ConnectTimeout
	if patience == 0 && r.asks {
		patience = r.RecvTimeout // nothing comes from a peer that is not there
	}
	waiting, cancel := within(ctx, patience)
	defer cancel()
	if err := r.socket.WaitPipes(waiting, max(r.Peers, 1)); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return exit.Errorf(exit.NoPeer, "no peer within %s%s", patience, r.Endpoints.NoPeer())
		}
		return err
	}
	return sleep(ctx, r.Delay)
}

// A sendFunc sends a message of these frames.
type sendFunc func(ctx context.Context, frames [][]byte) error

// through sends through a socket.
func through(s spry.Sender) sendFunc {
	return func(ctx context.Context, frames [][]byte) error { return s.SendMsg(ctx, zmq.NewMessage(frames...)) }
}

// sendAll gives every message of the source to send, at the pace of the options.
func (r *run) sendAll(ctx context.Context, send sendFunc) error {
	if err := r.awaitPeers(ctx); err != nil {
		r.unsent = true
		return err
	}
	pace := pacer{interval: r.Interval}
	var templates source.Templates
	for first := true; first || r.again(); first = false {
		before := r.sent.Load()
		for frames, err := range read(ctx, &r.Source) {
			if err != nil {
				return err
			}
			if r.Templates {
				if frames, err = templates.Fill(frames, r.sent.Load()+1); err != nil {
					return exit.Errorf(exit.Usage, "%w", err)
				}
			}
			if err := r.awaitReady(ctx, frames); err != nil {
				return err
			}
			if err := pace.wait(ctx); err != nil {
				return err
			}
			if err := r.sendOne(ctx, frames, send); err != nil {
				return err
			}
			if r.Count > 0 && r.sent.Load() >= r.Count {
				return nil
			}
		}
		if r.sent.Load() == before {
			return exit.Errorf(exit.Usage, "%w", errNothingToSend)
		}
	}
	if r.Count > r.sent.Load() {
		return r.incomplete("the input ended before --count messages")
	}
	return nil
}

// again reports whether the source is to be sent once more from its beginning.
func (r *run) again() bool { return r.Repeat && r.Source.Repeatable() }

func (r *run) sendOne(ctx context.Context, frames [][]byte, send sendFunc) error {
	sending, cancel := within(ctx, r.SendTimeout)
	defer cancel()
	if err := send(sending, frames); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && r.SendTimeout > 0 {
			return r.incomplete("nobody took a message within %s", r.SendTimeout)
		}
		r.unsent = !r.Repeat
		return err
	}
	r.sent.Add(1)
	return nil
}

// A pacer spaces messages evenly. A late one does not delay those after it.
type pacer struct {
	interval time.Duration
	next     time.Time
}

func (p *pacer) wait(ctx context.Context) error {
	if p.interval <= 0 {
		return ctx.Err()
	}
	current := time.Now()
	if p.next.IsZero() {
		p.next = current
	}
	err := sleep(ctx, p.next.Sub(current))
	p.next = p.next.Add(p.interval)
	return err
}

// within limits ctx to d, if that is given.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

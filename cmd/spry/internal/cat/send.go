// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bufsend"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/wait"
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
	return wait.For(ctx, r.Delay)
}

// A sendFunc sends a message of these frames.
type sendFunc func(ctx context.Context, frames [][]byte) error

// A way is how messages leave.
type way struct {
	one  sendFunc
	many func(ctx context.Context, bodies [][]byte) (n int, err error) // of one frame each, in order; nil: one by one
}

// through sends through a socket.
func through(s spry.Sender) way {
	to := way{one: func(ctx context.Context, frames [][]byte) error { return s.SendMsg(ctx, zmq.NewMessage(frames...)) }}
	if s, ok := s.(bufsend.Socket); ok {
		to.many = s.SendBodies
	}
	return to
}

// sendAll sends every message of the source, at the pace of the options.
func (r *run) sendAll(ctx context.Context, to way) error {
	if err := r.awaitPeers(ctx); err != nil {
		r.unsent = true
		return err
	}
	if r.Interval > 0 || r.SendTimeout > 0 || r.Templates {
		to.many = nil // each message has a time, or a number, of its own
	}
	pace := pacer{interval: r.Interval}
	for first := true; first || r.again(); first = false {
		before := r.sent.Load()
		for run, err := range r.toSend(ctx) {
			if err != nil {
				return err
			}
			if r.Count > 0 {
				run = run[:min(int64(len(run)), r.Count-r.sent.Load())]
			}
			if err := r.sendRun(ctx, run, to, &pace); err != nil {
				return err
			}
			if r.Count > 0 && r.sent.Load() >= r.Count {
				return nil
			}
		}
		if r.sent.Load() == before && r.Feed == nil {
			return exit.Errorf(exit.Usage, "%w", errNothingToSend)
		}
	}
	if r.Count > r.sent.Load() {
		return r.incomplete("the input ended before --count messages")
	}
	return nil
}

// toSend yields the messages to send.
func (r *run) toSend(ctx context.Context) iter.Seq2[[][][]byte, error] {
	if r.Feed != nil {
		return r.Feed(ctx)
	}
	return read(ctx, &r.Source)
}

// again reports whether the source is to be sent once more from its beginning.
func (r *run) again() bool { return r.Repeat && r.Source.Repeatable() }

// sendRun sends messages that were read together, and counts those that it could not send.
func (r *run) sendRun(ctx context.Context, run [][][]byte, to way, pace *pacer) error {
	before := r.sent.Load()
	err := r.sendMessages(ctx, run, to, pace)
	if err != nil {
		r.left = int64(len(run)) - (r.sent.Load() - before)
		r.unsent = r.unsent || r.left > 0 && !r.Repeat
	}
	return err
}

func (r *run) sendMessages(ctx context.Context, run [][][]byte, to way, pace *pacer) error {
	if bodies := r.bodiesOf(run); to.many != nil && bodies != nil && r.onePeer() {
		if err := r.awaitReady(ctx, run[0]); err != nil {
			return err
		}
		n, err := to.many(ctx, bodies)
		r.sent.Add(int64(n))
		return err
	}
	for _, frames := range run {
		if r.Templates {
			var err error
			if frames, err = r.templates.Fill(frames, r.sent.Load()+1); err != nil {
				return exit.Errorf(exit.Usage, "%w", err)
			}
		}
		if err := r.awaitReady(ctx, frames); err != nil {
			return err
		}
		if err := pace.wait(ctx); err != nil {
			return err
		}
		if err := r.sendOne(ctx, frames, to.one); err != nil {
			return err
		}
	}
	return nil
}

// onePeer reports whether there is no second one. Several take turns message by message, because messages are often jobs: sent
// together, the first peer would get up to 64 of them.
func (r *run) onePeer() bool {
	n := 0
	for range r.socket.Pipes() {
		n++
	}
	return n <= 1
}

// bodiesOf returns the frames of a run of several messages that have one each, and nil for other runs.
func (r *run) bodiesOf(run [][][]byte) [][]byte {
	if len(run) == 1 {
		return nil
	}
	r.bodies = r.bodies[:0]
	for _, frames := range run {
		if len(frames) != 1 {
			return nil
		}
		r.bodies = append(r.bodies, frames[0])
	}
	return r.bodies
}

func (r *run) sendOne(ctx context.Context, frames [][]byte, send sendFunc) error {
	sending, cancel := within(ctx, r.SendTimeout)
	defer cancel()
	if err := send(sending, frames); err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && r.SendTimeout > 0 {
			return r.incomplete("nobody took a message within %s", r.SendTimeout)
		}
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
	err := wait.For(ctx, p.next.Sub(current))
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

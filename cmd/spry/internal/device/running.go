// SPDX-License-Identifier: MIT

package device

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/wait"
)

// Limits of the sockets of a [Running] device. Zero is the library's default.
type Limits struct {
	Queue      int
	QueueBytes int64
	MaxMessage int64   // negative is unlimited
	Rate       float64 // messages per second, in each direction; 0 is no limit
}

// A Running device passes messages on until it is ended, and can be ended without losing any.
type Running struct {
	o           Options
	kind        Kind
	front, back *rawSide

	stopIntake context.CancelFunc // ends the direction from front to back
	intakeOver chan struct{}      // closed when it has ended: all that was taken is counted
	stop       context.CancelFunc
	working    sync.WaitGroup
	closers    []func()
	ended      chan error
}

// Start opens the sockets and their addresses. look, if not nil, gets the messages that pass, and whether they go to the back. They are
// valid until it returns.
func Start(ctx context.Context, o Options, limits Limits, look func(toBack bool, ms []*spry.Message)) (*Running, error) {
	at := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == o.Kind })
	if at < 0 {
		return nil, exit.Errorf(exit.Usage, "there is no kind %q", o.Kind)
	}
	r := &Running{o: o, kind: Kinds[at], ended: make(chan error, 1)}
	security, err := o.Security.Library()
	if err != nil {
		return nil, err
	}
	library := spry.Options{
		TTL: o.TTL, Transports: endpoint.Transports(), SendQueue: limits.Queue, RecvQueue: limits.Queue,
		SendQueueBytes: limits.QueueBytes, RecvQueueBytes: limits.QueueBytes, MaxMessageSize: limits.MaxMessage,
	}
	open := func(p spry.Protocol, set *endpoint.Set) (*rawSide, error) {
		own := library
		framed := onlyZMTP(set)
		if framed {
			own.Security = security
		}
		return newDrainedSide(p, own, framed)
	}
	if r.front, err = open(r.kind.Front, &o.Front.Set); err != nil {
		return nil, err
	}
	if r.back, err = open(r.kind.Back, &o.Back.Set); err != nil {
		return nil, errors.Join(err, r.front.Close())
	}
	r.closers = append(r.closers, r.o.Front.ReportFaults(r.front, r.o.Front.of(o.Say)), r.o.Back.ReportFaults(r.back, r.o.Back.of(o.Say)))
	err = r.o.Back.open(ctx, r.back, o.Say)
	if err == nil {
		err = r.o.Front.open(ctx, r.front, o.Say)
	}
	if err != nil {
		r.close(ctx)
		return nil, err
	}
	r.run(context.WithoutCancel(ctx), limits, look)
	return r, nil
}

func (r *Running) run(ctx context.Context, limits Limits, look func(toBack bool, ms []*spry.Message)) {
	join := joiner{given: r.o.Join, separator: r.o.Separator}
	if look != nil {
		join.look = func(to *rawSide, ms []*spry.Message) { look(to == r.back, ms) }
	}
	if limits.Rate > 0 {
		join.limit = func() *limiter { return &limiter{rate: limits.Rate} }
	}
	ctx, r.stop = context.WithCancel(ctx)
	intake, stopIntake := context.WithCancel(ctx)
	r.stopIntake, r.intakeOver = stopIntake, make(chan struct{})
	for _, way := range []struct {
		intake   context.Context
		from, to *rawSide
	}{{intake, r.front, r.back}, {ctx, r.back, r.front}} {
		r.working.Go(func() {
			if way.to == r.back {
				defer close(r.intakeOver)
			}
			if err := forward(ctx, way.intake, way.from, way.to, join); !noWay(err) && way.intake.Err() == nil && !errors.Is(err, spry.ErrClosed) {
				select {
				case r.ended <- err:
				default:
				}
			}
		})
	}
}

// Ended receives the error of a device that ended by itself.
func (r *Running) Ended() <-chan error { return r.ended }

// Drain ends the device. What its peers in front have sent is passed on, and requests that are out are answered, until ctx ends.
func (r *Running) Drain(ctx context.Context) {
	if s, ok := r.front.rawSocket.(interface {
		Drain(ctx context.Context) (spry.DrainReport, error)
	}); ok {
		_, _ = s.Drain(ctx) // the rest is counted
	} else { // a raw socket, whose peers may go on sending
		_ = wait.Until(ctx, func() bool { return r.front.Stats().Recv.Queued == 0 })
	}
	r.stopIntake()
	select {
	case <-r.intakeOver:
	case <-ctx.Done():
	}
	if r.kind.Name == "reqrep" {
		// Requests of clients that have gone may have no reply.
		_ = wait.Until(ctx, func() bool { return r.back.passed.Load() <= r.front.passed.Load() })
	}
	r.close(ctx)
}

// close sends queued messages until ctx ends, and closes the sockets.
func (r *Running) close(ctx context.Context) {
	var closing sync.WaitGroup
	for _, s := range []*rawSide{r.front, r.back} {
		closing.Go(func() { _ = s.Shutdown(ctx) }) // the rest is counted
	}
	closing.Wait()
	if r.stop != nil {
		r.stop()
	}
	r.working.Wait()
	for _, f := range r.closers {
		f()
	}
	r.closers = nil
}

// Figures are the counters of both sides, on a line each.
func (r *Running) Figures() []string {
	return []string{
		r.o.Front.Name + ": " + endpoint.Figures(r.front, r.front.lost.Load()),
		r.o.Back.Name + ": " + endpoint.Figures(r.back, r.back.lost.Load()),
	}
}

// newDrainedSide is newRawSide, with a socket that can be drained where its protocol only receives.
func newDrainedSide(p spry.Protocol, o spry.Options, framed bool) (*rawSide, error) {
	if framed {
		o.Dialects = []string{"zmtp"}
	}
	switch p {
	case spry.ProtocolPull:
		return &rawSide{rawSocket: onlyReceives{spry.NewPull(&spry.PullOptions{Options: o})}, framed: framed}, nil
	case spry.ProtocolSub:
		s := spry.NewSub(&spry.SubOptions{Options: o, Overflow: spry.Block})
		return &rawSide{rawSocket: onlyReceives{s}, framed: framed}, s.Subscribe("")
	}
	return newRawSide(p, o, framed)
}

// A drained socket receives, and can be drained.
type drained interface {
	endpoint.Socket
	RecvBatch(ctx context.Context, dst []*spry.Message) (int, error)
	Drain(ctx context.Context) (spry.DrainReport, error)
}

// onlyReceives is a rawSocket that nothing is sent to.
type onlyReceives struct{ drained }

func (onlyReceives) SendBatch(context.Context, []*spry.Message) (int, error) {
	return 0, errors.ErrUnsupported
}

// NewSide is a side with addresses.
func NewSide(name string, set endpoint.Set) Side {
	return Side{Name: strings.TrimSpace(name), Set: set}
}

// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"slices"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Every pipe has an account of its socket's budget. It counts the memory of the pipe's reader, of its send queue, of its
// received messages, and of the pattern's data about the peer.

// budgeted is a pipe as the holder of its account.
type budgeted Pipe

// Shed implements budget.Holder: the pipe ends, and its received messages that were not delivered are dropped.
func (b *budgeted) Shed() {
	p := (*Pipe)(b)
	p.end(ErrBudget)
	p.in.mu.Lock()
	sources := slices.Clone(p.in.sources)
	p.in.mu.Unlock()
	for _, s := range sources {
		s.Shed()
	}
}

// Resume implements budget.Holder. The caller may hold the lock of a queue, hence the goroutine.
func (b *budgeted) Resume() {
	p := (*Pipe)(b)
	_ = p.scope.Go(func() { p.socket.pattern.Writable(p) }) // after the end of the pipe there is nothing to report
}

// openAccount gives a new pipe its account; closeAccount is called when the pipe ends.
func (p *Pipe) openAccount() {
	b := p.socket.options.Budget
	b.AddPipes(1)
	p.account.Open(b, (*budgeted)(p))
	if p.out.meter = p.account.NewMeter(); p.socket.pattern.Traits().ReturnsUnsent {
		p.out.meter = p.account.NewFixedMeter()
	}
}

func (p *Pipe) closeAccount() {
	p.account.Budget().AddPipes(-1)
	p.account.Close()
}

// NewMeter returns the meter of something that the pattern remembers of the peer until Detach.
func (p *Pipe) NewMeter() budget.Meter { return p.account.NewMeter() }

// NewMeter returns a meter for memory of the socket itself, for which no pipe is shed.
func (s *Socket) NewMeter() budget.Meter {
	if s.options.Budget == nil { // the options are wrong, and nothing will be
		return budget.Meter{}
	}
	return s.account.NewMeter()
}

// lossReason is the reason for dropping a pipe's unsent messages, and its received ones that were not delivered.
func (p *Pipe) lossReason() reasons.Reason {
	if p.over() && errors.Is(p.err, ErrBudget) {
		return reasons.Budget
	}
	return reasons.PipeClosed
}

// creditAtOnce is how many bytes a pipe promises room for at most, because others share the budget.
const creditAtOnce = 64 << 10

// Relieve sheds the largest accounts if received data exceeds the budget. It is called without locks, and not within a read
// of the connection: closing a connection waits for its reads.
func (p *Pipe) Relieve() { p.account.Budget().Relieve(&p.account) }

// Budget is what bounds the memory and the pipes of the socket, perhaps with others.
func (s *Socket) Budget() *budget.Budget { return s.options.Budget }

// turnAway closes a new connection, before its handshake costs anything, if the listener has all the pipes that it may have.
func (e *Endpoint) turnAway(link transport.Link) bool {
	e.mu.Lock()
	err := e.fullLocked()
	e.mu.Unlock()
	if err == nil {
		return false
	}
	_ = link.Close()
	e.reject(link.RemoteAddr(), &OpError{Op: "accept", URL: e.URL(), Peer: addrString(link.RemoteAddr()), Err: err, Reason: reasonOf(err)})
	return true
}

// fullLocked returns an error if a listener has all the pipes that it may have.
func (e *Endpoint) fullLocked() error {
	b := e.socket.options.Budget
	if !e.listen || e.places < b.PipesPerListener() {
		return nil
	}
	b.AddRefused()
	return wire.Errorf(reasons.TooManyPipes,
		"the listener has %d pipes, which is all that its Budget allows: raise PipesPerListener, or listen on another address too", e.places)
}

// takePlace enters a pipe that is about to be attached. leavePlace takes it out again.
func (e *Endpoint) takePlace() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.fullLocked()
	if err == nil {
		e.places++
	}
	return err
}

func (e *Endpoint) leavePlace() {
	e.mu.Lock()
	e.places--
	e.mu.Unlock()
}

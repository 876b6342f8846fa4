// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/transport"
)

// Surveyor sends a question to all its pipes at once and collects the answers until a deadline. Any number of surveys may be
// open.
type Surveyor struct {
	sides
	*fanout
	limits queue.Limits

	mu      lock.Mutex[lock.Surveyor] // after fanout.mu
	nextID  uint32
	surveys map[uint32]*Survey
}

// A Survey is one question and the queue of its answers.
type Survey struct {
	*queue.Inbox
	surveyor *Surveyor
	id       uint32
	began    time.Time
	until    time.Time

	// Under surveyor.mu.
	sources map[*engine.Pipe]*queue.Source // of the pipes that were asked; nil for those that have not answered
}

// NewSurveyor returns the pattern.
func NewSurveyor(s *engine.Socket, hello transport.Hello, overflow engine.Overflow) *Surveyor {
	f := newFanout(s, overflow)
	v := &Surveyor{
		sides: newSides(hello, receiver{}, f), fanout: f, limits: s.Options().RecvLimits(),
		nextID: rand.Uint32(), surveys: make(map[uint32]*Survey),
	}
	v.traits.FlushesEnded = false // the answers would have no receiver
	return v
}

// Open asks every pipe: a copy of body, or the contents of m. Answers count until the deadline. Open waits for room until within
// ends, which is at the deadline; if no waiting is necessary, the question is sent even if the deadline has passed.
func (s *Surveyor) Open(ctx, within context.Context, until time.Time, body []byte, m *msg.Message) (*Survey, error) {
	v := &Survey{
		surveyor: s, Inbox: queue.NewInbox(s.limits, queue.DropNewest), began: time.Now(), until: until,
		sources: make(map[*engine.Pipe]*queue.Source),
	}
	s.mu.Lock()
	for v.id == 0 || s.surveys[v.id] != nil {
		s.nextID++
		v.id = s.nextID | requestBit
	}
	s.surveys[v.id] = v
	s.mu.Unlock()
	header := binary.BigEndian.AppendUint32(nil, v.id)
	asking := func(all []*engine.Pipe) {
		s.mu.Lock()
		for _, p := range all {
			v.sources[p] = nil
		}
		s.mu.Unlock()
	}
	err := s.fanout.send(ctx, false, header, body, m, nil, asking)
	if errors.Is(err, engine.ErrWouldBlock) {
		err = s.fanout.send(within, true, header, body, m, nil, asking)
	}
	if err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// Close ends the survey: answers that come later are dropped and counted as stale.
func (v *Survey) Close() {
	s := v.surveyor
	s.mu.Lock()
	delete(s.surveys, v.id)
	sources := v.sources
	v.sources = nil
	s.mu.Unlock()
	v.Inbox.Close(engine.ErrClosed)
	for p, src := range sources {
		if src != nil {
			p.CloseSource(src)
		}
	}
}

// Receive implements engine.Pattern.
func (s *Surveyor) Receive(p *engine.Pipe, run []msg.Message) int {
	var stale, foreign int
	now := time.Now()
	s.mu.Lock()
	for i := range run {
		var v *Survey
		if h := run[i].Header(); len(h) == 4 {
			v = s.surveys[binary.BigEndian.Uint32(h)]
		}
		switch {
		case v == nil || now.After(v.until):
			stale++
			run[i].Release()
		default:
			src := v.sourceLocked(p, now)
			if src == nil {
				foreign++
				run[i].Release()
				continue
			}
			src.Put(run[i : i+1 : i+1])
		}
	}
	s.mu.Unlock()
	p.DropN(reasons.Stale, stale)
	p.DropN(reasons.Foreign, foreign)
	return len(run)
}

// sourceLocked returns the queue of a pipe's answers, or nil if the pipe was not asked.
func (v *Survey) sourceLocked(p *engine.Pipe, now time.Time) *queue.Source {
	src, asked := v.sources[p]
	if asked && src == nil {
		src = p.NewSource(v.Inbox)
		v.sources[p] = src
		p.RoundTrip(now.Sub(v.began))
	}
	return src
}

// Refuse implements engine.Pattern.
func (s *Surveyor) Refuse(err error) {
	s.sides.Refuse(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.surveys {
		v.Inbox.Close(err)
	}
}

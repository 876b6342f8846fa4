// SPDX-License-Identifier: MIT

package engine

import (
	"container/list"
	"context"
	"errors"
	"time"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/unfinished"
	"github.com/sprymq/spry/internal/wire"
)

const (
	brakeFirst  = 100 * time.Millisecond // the delay after the first refusal; each further one doubles it
	brakeMost   = 5 * time.Second
	brakeForget = 30 * time.Second // after which one refusal is forgotten

	brakeSources = 4096 // that are remembered; beyond, the one that was quiet for the longest is forgotten
	brakeCrowd   = 32   // passwords of one source that are checked or wait at a time, after one was refused
)

// A brake limits the guessing of passwords. After refusals, the next password of the same source is checked after a delay,
// whether it is right or wrong: an early answer would reveal which. Few connections of a source wait at a time, so that many
// of them gain nothing; the others are refused without a check, to try again later. Other sources are not affected.
type brake struct {
	mu      lock.Mutex[lock.Brake]
	sources map[unfinished.Source]*list.Element
	recent  list.List // of *suspect; the one of the last attempt first
}

// A suspect is a source with refused passwords, or with passwords being checked.
type suspect struct {
	from    unfinished.Source
	refused int       // and not forgotten yet
	since   time.Time // when refused changed
	waiting int       // attempts between begin and end
}

// begin enters an attempt and returns the delay before its check. It returns nil if the attempt is refused.
func (b *brake) begin(from unfinished.Source, now time.Time) (s *suspect, delay time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.sources[from]
	if e == nil {
		if b.sources == nil {
			b.sources = make(map[unfinished.Source]*list.Element)
		}
		e = b.recent.PushFront(&suspect{from: from, since: now})
		b.sources[from] = e
		if b.recent.Len() > brakeSources {
			b.forgetLocked(b.recent.Back())
		}
	}
	s = e.Value.(*suspect)
	s.forgive(now)
	if s.refused > 0 && s.waiting >= brakeCrowd {
		return nil, 0
	}
	b.recent.MoveToFront(e)
	s.waiting++
	return s, s.delay()
}

// end ends an attempt.
func (b *brake) end(s *suspect, refused bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.forgive(now)
	s.waiting--
	if refused {
		s.refused = min(s.refused+1, brakeSteps)
		s.since = now
	}
	if e := b.sources[s.from]; s.waiting == 0 && s.refused == 0 && e != nil && e.Value == any(s) {
		b.forgetLocked(e)
	}
}

func (b *brake) forgetLocked(e *list.Element) {
	delete(b.sources, b.recent.Remove(e).(*suspect).from)
}

// forgive forgets refusals that are long ago.
func (s *suspect) forgive(now time.Time) {
	n := int(min(now.Sub(s.since)/brakeForget, brakeSteps))
	s.refused = max(s.refused-n, 0)
	s.since = s.since.Add(time.Duration(n) * brakeForget)
}

// brakeSteps is the number of refusals from which the delay is the longest.
const brakeSteps = 7

func (s *suspect) delay() time.Duration {
	if s.refused == 0 {
		return 0
	}
	return min(brakeFirst<<(s.refused-1), brakeMost)
}

var errBrake = errors.New("too many wrong passwords came from this address, and others of it wait to be checked")

// tooMany refuses an attempt without a look at it. The peer may come again.
var tooMany = wire.Verdict{Status: "300", Err: errBrake}

// holdBack waits for a delay, but at most half the time for the handshake, so that a right password still succeeds. It
// reports false if the handshake has ended.
func (e *Endpoint) holdBack(ctx context.Context, delay time.Duration) bool {
	if delay == 0 {
		return true
	}
	t := time.NewTimer(min(delay, e.socket.options.HandshakeTimeout/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-e.scope.Done():
	}
	return false
}

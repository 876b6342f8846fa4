// SPDX-License-Identifier: MIT

package pattern

import (
	"time"

	"github.com/sprymq/spry/internal/engine"
)

// lockStepTurns says which call each pipe is at whose peer is sent requests without an id. Such a peer's reply can only
// belong to the last request, so that a pipe whose call was given up is of no use any more: it is closed, and made anew.
type lockStepTurns map[*engine.Pipe]*Call

// takes reports whether requests over the pipe go without an id.
func (t lockStepTurns) takes(p *engine.Pipe) bool { return t != nil && p.Session().Multipart != nil }

func (t lockStepTurns) free(p *engine.Pipe) bool { return t[p] == nil }

// stuckWith returns the pipes that wait for the reply of a call that is over.
func (t lockStepTurns) stuckWith(c *Call) (pipes []*engine.Pipe) {
	for p, at := range t {
		if at == c {
			pipes = append(pipes, p)
			delete(t, p)
		}
	}
	return pipes
}

// stuckSince returns the pipes whose calls are to be sent again.
func (t lockStepTurns) stuckSince(r *requests, now time.Time) (pipes []*engine.Pipe) {
	if t == nil || r.retry <= 0 {
		return nil
	}
	for c := r.waiting.first; c != nil && !c.retry.After(now); c = c.next {
		pipes = append(pipes, t.stuckWith(c)...)
	}
	return pipes
}

func closeAll(pipes []*engine.Pipe) {
	for _, p := range pipes {
		p.Close(engine.ErrClosed)
	}
}

// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"net"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/unfinished"
)

// maxPending is how many connections of a listener attach layers at the same time.
const maxPending = 128

var errEvicted = errors.New("closed for a newer connection, because too many are attaching layers")

// pending are the connections of a listener that attach layers.
type pending struct {
	mu  lock.Mutex[lock.StreamListener]
	all unfinished.Set[context.CancelCauseFunc]
}

type pendingConn = unfinished.Entry[context.CancelCauseFunc]

// add adds a connection. If there are too many, it cancels one of the address that has the most.
func (p *pending) add(remote net.Addr, cancel context.CancelCauseFunc) *pendingConn {
	c := &pendingConn{Value: cancel, From: unfinished.SourceOf(remote, nil)}
	p.mu.Lock()
	evicted := p.all.Add(c, maxPending)
	p.mu.Unlock()
	if evicted != nil {
		evicted.Value(errEvicted)
	}
	return c
}

// remove removes a connection that has ended or has its layers.
func (p *pending) remove(c *pendingConn) {
	p.mu.Lock()
	p.all.Remove(c)
	p.mu.Unlock()
	c.Value(nil)
}

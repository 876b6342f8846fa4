// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"net"
	"slices"

	"github.com/sprymq/spry/internal/lock"
)

// maxPending is how many connections of a listener attach layers at the same time.
const maxPending = 128

var errEvicted = errors.New("closed for a newer connection, because too many are attaching layers")

// pending are the connections of a listener that attach layers, the oldest first.
type pending struct {
	mu  lock.Mutex[lock.StreamListener]
	all []*pendingConn
}

type pendingConn struct {
	host   string
	cancel context.CancelCauseFunc
}

// add adds a connection. If there are too many, it cancels the oldest of the address that has the most.
func (p *pending) add(remote net.Addr, cancel context.CancelCauseFunc) *pendingConn {
	c := &pendingConn{cancel: cancel}
	if c.host = remote.String(); remote.Network() == "tcp" {
		c.host, _, _ = net.SplitHostPort(c.host)
	}
	p.mu.Lock()
	var evicted *pendingConn
	if len(p.all) >= maxPending {
		evicted = p.evictLocked()
	}
	p.all = append(p.all, c)
	p.mu.Unlock()
	if evicted != nil {
		evicted.cancel(errEvicted)
	}
	return c
}

func (p *pending) evictLocked() *pendingConn {
	count := make(map[string]int)
	most := p.all[0].host
	for _, c := range p.all {
		if count[c.host]++; count[c.host] > count[most] {
			most = c.host
		}
	}
	i := slices.IndexFunc(p.all, func(c *pendingConn) bool { return c.host == most })
	c := p.all[i]
	p.all = slices.Delete(p.all, i, i+1)
	return c
}

// remove removes a connection that has ended or has its layers.
func (p *pending) remove(c *pendingConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.all, c); i >= 0 {
		p.all = slices.Delete(p.all, i, i+1)
	}
	c.cancel(nil)
}

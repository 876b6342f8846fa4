// SPDX-License-Identifier: MIT

package engine

import (
	"container/list"
	"sync/atomic"

	"github.com/sprymq/spry/transport"
)

// unfinished are an endpoint's handshakes at work, oldest first. There are never more than a limit: a peer that
// says nothing must not keep others out, so the oldest makes room.
type unfinished struct{ list list.List }

// A pendingLink is one connection within its handshake.
type pendingLink struct {
	link    transport.Link
	cancel  func() // the user may be asked about it, and take long
	evicted atomic.Bool
}

// add enters a link; the caller holds the endpoint's lock. It returns one to be cancelled and closed, if the limit asks
// for it.
func (u *unfinished) add(p *pendingLink, limit int) (entry *list.Element, evict *pendingLink) {
	if u.list.Len() >= limit {
		oldest := u.list.Front()
		evict = u.list.Remove(oldest).(*pendingLink)
		evict.evicted.Store(true)
	}
	return u.list.PushBack(p), evict
}

func (u *unfinished) closeAll() {
	for e := u.list.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*pendingLink).link.Close()
	}
}

// SPDX-License-Identifier: MIT

package zmq

import (
	"context"

	"github.com/sprymq/spry"
)

// A ProxySocket is a socket that [Proxy] can forward messages from or to: every socket of this package except [Req] and
// [Rep]. To forward requests and replies, use a [Router] and a [Dealer].
type ProxySocket interface{ proxied() proxied }

// proxied are the sides of a socket in a proxy. A side that it does not have is nil.
type proxied struct {
	recv func(ctx context.Context) (*spry.Message, error)
	send func(ctx context.Context, m *spry.Message) error
}

// Interceptors do not see what a proxy forwards.
func (s *Pair) proxied() proxied    { return both(&s.receiver, &s.sender) }
func (s *Channel) proxied() proxied { return both(&s.receiver, &s.sender) }
func (s *Dealer) proxied() proxied  { return both(&s.receiver, &s.sender) }
func (s *Client) proxied() proxied  { return both(&s.receiver, &s.sender) }
func (s *XPub) proxied() proxied    { return both(&s.receiver, &s.sender) }
func (s *XSub) proxied() proxied    { return both(&s.receiver, &s.sender) }
func (s *Push) proxied() proxied    { return proxied{send: s.unseen} }
func (s *Pub) proxied() proxied     { return proxied{send: s.unseen} }
func (s *Scatter) proxied() proxied { return proxied{send: s.unseen} }
func (s *Radio) proxied() proxied   { return proxied{send: s.unseen} }
func (s *Pull) proxied() proxied    { return proxied{recv: s.unseen} }
func (s *Sub) proxied() proxied     { return proxied{recv: s.unseen} }
func (s *Gather) proxied() proxied  { return proxied{recv: s.unseen} }
func (s *Dish) proxied() proxied    { return proxied{recv: s.unseen} }

func both(r *receiver, s *sender) proxied { return proxied{r.unseen, s.unseen} }

// Messages to the peers of a Server or a Peer name a pipe; messages of other sockets do not.
func (s *directed) proxied() proxied { return proxied{recv: s.unseen} }

// A Router does not wait for a peer that does not read.
func (s *Router) proxied() proxied {
	return proxied{s.receiver.unseen, func(_ context.Context, m *spry.Message) error {
		return s.sender.plainly().sendMsg(context.Background(), false, m)
	}}
}

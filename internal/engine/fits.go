// SPDX-License-Identifier: MIT

package engine

import (
	"fmt"

	"github.com/sprymq/spry/internal/msg"
)

// Fits reports whether the pipe can carry a message of this shape. [Pipe.Unfit] says why it cannot.
func (p *Pipe) Fits(s msg.Shape) bool {
	return (p.limit == 0 || int64(s.Size) <= p.limit) && (s.More == 0 || p.session.Multipart != nil)
}

// Unfit says why the pipe can never carry a message of this shape: [ErrMultipart] or [ErrTooLarge]. It returns nil if the
// pipe can.
func (p *Pipe) Unfit(s msg.Shape) error {
	switch {
	case p.Fits(s):
		return nil
	case s.More > 0 && p.session.Multipart == nil:
		return ErrMultipart
	}
	return fmt.Errorf("%w: it has %d bytes, the routing header included, and the link to %s takes %d",
		ErrTooLarge, s.Size, addrString(p.RemoteAddr()), p.limit)
}

// NoneFits says why none of several pipes can ever carry a message of this shape. It returns nil if one can, or if there
// are no pipes. Of several limits the error names the largest.
func NoneFits(pipes []*Pipe, s msg.Shape) error {
	var best *Pipe
	for _, p := range pipes {
		if p.Fits(s) {
			return nil
		}
		if best == nil || p.limit > best.limit {
			best = p
		}
	}
	if best == nil {
		return nil
	}
	return best.Unfit(s)
}

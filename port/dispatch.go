// SPDX-License-Identifier: MIT

package port

import (
	"slices"
	"time"
)

// An opening is what is known of a connection that is undecided.
type opening struct {
	first  []byte        // the first bytes, inside of TLS if it is secure
	final  bool          // no more bytes will be known
	silent time.Duration // for how long the peer has sent nothing

	secure bool   // within TLS
	server string // that the client has named in TLS
	alpn   string // that was negotiated
}

// dispatch returns the index of the protocol that a connection is of, or -1. With more, further bytes or further silence may
// change that. It is a pure function, and the order of the protocols counts.
func dispatch(all []*Protocol, o opening) (index int, more bool) {
	if o.alpn != "" {
		for i, p := range all {
			if p.over(o.secure, o.server) && slices.Contains(p.ALPN, o.alpn) {
				return i, false
			}
		}
	}
	for i, p := range all {
		switch {
		case !p.over(o.secure, o.server):
		case len(o.first) == 0:
			if p.Silence > 0 && o.silent >= p.Silence {
				return i, false
			}
			more = !o.final
		case p.Match != nil:
			yes, needs := p.Match(o.first)
			if yes {
				return i, false
			}
			if needs && !o.final && len(o.first) < MaxFirst {
				return -1, true
			}
		}
	}
	return -1, more
}

// silence returns the shortest time after which a silent client is claimed, or 0.
func silence(all []*Protocol, o opening) (shortest time.Duration) {
	for _, p := range all {
		if p.over(o.secure, o.server) && p.Silence > 0 && (shortest == 0 || p.Silence < shortest) {
			shortest = p.Silence
		}
	}
	return shortest
}

// serves reports whether a client of TLS that names this server can be served, and the names of ALPN that it may negotiate.
func serves(all []*Protocol, server string) (served bool, names []string) {
	for _, p := range all {
		if !p.over(true, server) {
			continue
		}
		served = true
		for _, name := range p.ALPN {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return served, names
}

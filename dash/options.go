// SPDX-License-Identifier: MIT

package dash

import (
	"errors"
	"slices"

	"github.com/sprymq/spry/observe"
)

// Options are the options of [New].
type Options struct {
	// Nodes are processes to show. They must not change while they are in use.
	Nodes []*observe.Node

	// Local adds the processes of this user on this machine that call [observe.ServeLocal]. They are looked for once a second.
	//
	// The own process is shown, too, if it has listed sockets.
	Local bool

	// Token, if not empty, is what clients must know: at least 16 characters that cannot be guessed. A client with a verified certificate
	// needs none.
	Token string

	// Hosts are the names and addresses, without ports, under which requests may ask for a loopback address, besides localhost and
	// loopback addresses themselves: the name of a reverse proxy that passes it on.
	Hosts []string

	// Public serves clients that are neither on this machine nor authenticated by the handler: because what stands before it does that.
	Public bool

	// MaxPages limits the pages that are open at one time. Defaults to 64.
	MaxPages int

	// MaxNodes limits the processes that are shown. Defaults to 1000.
	MaxNodes int
}

const minToken = 16

func (o *Options) withDefaults() (Options, error) {
	var s Options
	if o != nil {
		s = *o
	}
	if s.Token != "" && len(s.Token) < minToken {
		return s, errors.New("dash: the token has less than 16 characters")
	}
	if s.MaxPages <= 0 {
		s.MaxPages = 64
	}
	if s.MaxNodes <= 0 {
		s.MaxNodes = 1000
	}
	s.Nodes, s.Hosts = slices.Clone(s.Nodes), slices.Clone(s.Hosts)
	return s, nil
}

// SPDX-License-Identifier: MIT

// Package peers drives each library that can be had from Go, in the way that is fastest for it.
package peers

import (
	"maps"

	"github.com/sprymq/spry/bench/internal/worker"
)

// batchSize is how many messages a receiver takes at once where the library can give many.
const batchSize = 256

// All returns the peers of this program by name.
func All() map[string]worker.Peer {
	all := map[string]worker.Peer{
		"spry":   spryPeer(),
		"goraw":  rawPeer(true),
		"goraw1": rawPeer(false),
		"mangos": mangosPeer(),
		"nats":   natsPeer(),
		"grpc":   grpcPeer(),
		"drpc":   drpcPeer(),
		"gozmq":  simpleLibrary(openGozmq).peer(),
	}
	maps.Copy(all, tagged())
	return all
}

// SPDX-License-Identifier: MIT

package zmq

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/scope"
)

// draining is the verb of sockets that can be drained. It is embedded, never used by itself.
type draining struct{ socket *engine.Socket }

// Drain asks the peers to stop sending, delivers everything that they have sent, and closes the socket. See the Drain of
// [spry.Pull]. A libzmq peer may keep or discard messages that it had queued and not given to its kernel.
func (d *draining) Drain(ctx context.Context) (spry.DrainReport, error) {
	r, err := d.socket.Drain(scope.OrBackground(ctx))
	return spry.DrainReport(r), opErr("drain", err)
}

// openDraining is open for a socket that can be drained.
func openDraining(o Options, bind func(s *engine.Socket, o engine.Options) engine.Pattern) (spry.Socket, draining) {
	var core *engine.Socket
	socket := open(o, func(s *engine.Socket, resolved engine.Options) engine.Pattern {
		core = s
		return bind(s, resolved)
	})
	return socket, draining{core}
}

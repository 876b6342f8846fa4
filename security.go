// SPDX-License-Identifier: MIT

package spry

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/face"
	"github.com/sprymq/spry/internal/wire"
)

// Security is how connections are secured in a dialect that does that by itself. Package zmq has the values that there are:
// zmq.CurveServer, zmq.CurveClient, zmq.PlainServer and zmq.PlainClient.
type Security interface {
	// Mechanism is its name in the protocol: "CURVE" or "PLAIN".
	Mechanism() string

	// Resolve is for the packages of this module.
	Resolve() (wire.Security, engine.Authenticate, error)
}

func init() {
	face.Socket = func(core *engine.Socket) any { return Socket{core} }
	face.Options = func(o any) engine.Options { return o.(Options).engineOptions() }
}

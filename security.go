// SPDX-License-Identifier: MIT

package spry

import (
	"fmt"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/face"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/wire"
)

// Security configures the security of a dialect that has its own. Its only values are those of package zmq: zmq.CurveServer,
// zmq.CurveClient, zmq.PlainServer and zmq.PlainClient. Any other is an invalid option, [ErrConfig].
type Security interface {
	// Mechanism is its name in the protocol: "CURVE" or "PLAIN".
	Mechanism() string
}

// resolve returns the engine's settings for a Security. Package zmq resolves its values, if it is a part of the program.
func resolve(s Security) (wire.Security, engine.Authenticate, error) {
	if engine.IsNil(s) {
		return nil, nil, engine.NilError("Security")
	}
	if face.Resolve != nil {
		if secured, authenticate, ok, err := face.Resolve(s); ok {
			return secured, authenticate, err
		}
	}
	return nil, nil, fmt.Errorf("%w: Security is a %T, which no dialect knows: use a value of package zmq, such as zmq.CurveServer", ErrConfig, s)
}

func init() {
	face.Socket = func(core *engine.Socket) any { return Socket{core} }
	face.Core = func(socket any) *engine.Socket {
		if s, ok := socket.(interface{ inner() *engine.Socket }); ok {
			return s.inner()
		}
		return nil
	}
	face.Chain = func(core *engine.Socket, o any, frames bool) *intercept.Chain {
		return newChain(core, o.(Options).Interceptors, frames)
	}
	face.Options = func(o any) engine.Options { return o.(Options).engineOptions() }
}

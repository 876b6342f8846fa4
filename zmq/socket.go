// SPDX-License-Identifier: MIT

package zmq

import (
	"fmt"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/face"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// Options are the options of all sockets. See [spry.Options]. Here Dialects defaults to "zmtp", and only [Req] and [Rep]
// accept another.
type Options = spry.Options

// open makes a socket around a pattern.
func open(o Options, bind func(s *engine.Socket, o engine.Options) engine.Pattern) spry.Socket {
	o = speaking(o)
	checked := func(s *engine.Socket, resolved engine.Options) engine.Pattern {
		if len(o.Dialects) != 1 || o.Dialects[0] != zmtp.Dialect.Name() { // to which this socket would be a protocol without a number
			s.Break(fmt.Errorf("%w: Dialects are %q and can only be %s here: use package spry for others", spry.ErrConfig, o.Dialects, zmtp.Dialect.Name()))
		}
		return bind(s, resolved)
	}
	return face.Socket(engine.NewSocket(face.Options(o), checked)).(spry.Socket)
}

// chain returns the interceptors around a socket's operations, or nil. With frames, its messages may have several.
func chain(s spry.Socket, o Options, frames bool) *intercept.Chain {
	return face.Chain(face.Core(s), o, frames)
}

// speaking makes ZeroMQ the default.
func speaking(o Options) Options {
	if len(o.Dialects) == 0 {
		o.Dialects = []string{zmtp.Dialect.Name()}
	}
	return o
}

// orZero returns what o points to, or nothing.
func orZero[T any](o *T) T {
	if o == nil {
		var zero T
		return zero
	}
	return *o
}

// opErr makes an error of the engine one of package spry.
func opErr(op string, err error) error {
	if err == nil {
		return nil
	}
	return (*spry.OpError)(engine.OpErr(op, err))
}

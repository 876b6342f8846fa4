// SPDX-License-Identifier: MIT

package zmq

import (
	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/face"
)

// Options are those that all sockets have. See [spry.Options]; Dialects defaults to "zmtp" here.
type Options = spry.Options

// open makes a socket around a pattern.
func open(o Options, bind func(s *engine.Socket, o engine.Options) engine.Pattern) spry.Socket {
	return face.Socket(engine.NewSocket(face.Options(speaking(o)), bind)).(spry.Socket)
}

// speaking makes ZeroMQ the default.
func speaking(o Options) Options {
	if len(o.Dialects) == 0 {
		o.Dialects = []string{"zmtp"}
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

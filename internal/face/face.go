// SPDX-License-Identifier: MIT

// Package face connects package spry with the other packages of this module that have sockets, without exported names. It
// has variables for making a socket, for resolving its options and its security, and for returning a message to a socket's
// queue. Package spry sets Socket, Core, Options and Chain before any package that imports it is initialised.
package face

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/intercept"
	"github.com/sprymq/spry/internal/wire"
)

// Socket returns the spry.Socket around a core.
var Socket func(core *engine.Socket) any

// Core returns the engine's socket of a socket of a package here, or nil for any other value.
var Core func(socket any) *engine.Socket

// Options returns the engine's options for a spry.Options.
var Options func(o any) engine.Options

// Chain returns the interceptors of a spry.Options around the operations of a socket, or nil if there are none. With frames,
// messages may have several.
var Chain func(core *engine.Socket, o any, frames bool) *intercept.Chain

// Resolve returns the engine's settings for a spry.Security, if it is one that a package here knows. Package zmq sets it; it
// is nil in programs without that package.
var Resolve func(security any) (wire.Security, engine.Authenticate, bool, error)

// PutBack makes a *spry.Message that receiver returned, and that the application has not seen, the next one to be received. It
// reports whether receiver is a socket of a package here. Package zmq sets it; it is nil in programs without that package.
var PutBack func(receiver, m any) bool

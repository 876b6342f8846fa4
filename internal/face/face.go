// SPDX-License-Identifier: MIT

// Package face connects package spry with the packages of this module that have sockets of their own, without exported names:
// how a socket is made, and how what they define for its options is resolved. Package spry sets Socket and Options before any
// package that imports it begins.
package face

import (
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire"
)

// Socket returns the spry.Socket around a core.
var Socket func(core *engine.Socket) any

// Options returns what a spry.Options asks for.
var Options func(o any) engine.Options

// Resolve returns what a spry.Security means to the engine, if it is one that a package here knows. Package zmq sets it; it is nil in
// programs without that package.
var Resolve func(security any) (wire.Security, engine.Authenticate, bool, error)

// SPDX-License-Identifier: MIT

// Package face lets the packages of this module that have sockets of their own give them the face of those of package spry,
// which cannot be imported here and keeps to itself how a socket is made. Package spry sets these before any other package
// that imports it begins.
package face

import "github.com/sprymq/spry/internal/engine"

// Socket returns the spry.Socket around a core.
var Socket func(core *engine.Socket) any

// Options returns what a spry.Options asks for.
var Options func(o any) engine.Options

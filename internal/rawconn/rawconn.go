// SPDX-License-Identifier: MIT

// Package rawconn does with the kernel's connections what package net does not: reading and writing without waiting, and
// asking how far the peer has come.
package rawconn

// A Sink receives the data that a Reader reads.
type Sink interface {
	// Room returns where the next bytes go. It is called when there are some.
	Room() []byte
	// Idle is called before the reader waits.
	Idle()
}

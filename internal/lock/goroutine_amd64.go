// SPDX-License-Identifier: MIT

//go:build lockcheck

package lock

// goroutine returns an identity of the calling goroutine, unique while it lives: the address of its descriptor.
func goroutine() uintptr

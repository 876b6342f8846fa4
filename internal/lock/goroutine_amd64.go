// SPDX-License-Identifier: MIT

//go:build lockcheck

package lock

// goroutine returns what the calling goroutine alone has while it lives: the address of its descriptor.
func goroutine() uintptr

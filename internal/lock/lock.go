// SPDX-License-Identifier: MIT

//go:build !lockcheck

package lock

import "sync"

type (
	// A Mutex is the lock that R names in the order.
	Mutex[R any] = sync.Mutex

	// An RWMutex is the lock that R names in the order. Readers keep to it as well.
	RWMutex[R any] = sync.RWMutex
)

// AssertNone says that its caller holds no lock, because it is about to wait or to call the user.
func AssertNone() {}

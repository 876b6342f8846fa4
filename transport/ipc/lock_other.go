// SPDX-License-Identifier: MIT

//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package ipc

import "context"

// lockDir does nothing: a directory cannot be locked here.
func lockDir(context.Context, string) (unlock func()) { return func() {} }

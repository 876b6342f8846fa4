// SPDX-License-Identifier: MIT

//go:build !linux

package ipc

import "io/fs"

// restrictBeforeBind does nothing: here a socket has permissions only once it has a file.
func restrictBeforeBind(uintptr, fs.FileMode) {}

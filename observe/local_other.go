// SPDX-License-Identifier: MIT

//go:build !unix && !windows

package observe

import (
	"io/fs"
	"syscall"
)

const errConnRefused = syscall.ECONNREFUSED

// ownedBy is not asked: these systems have no users.
func ownedBy(fs.FileInfo, int) bool { return true }

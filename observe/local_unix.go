// SPDX-License-Identifier: MIT

//go:build unix

package observe

import (
	"io/fs"
	"syscall"
)

const errConnRefused = syscall.ECONNREFUSED

// ownedBy reports whether a file belongs to a user.
func ownedBy(info fs.FileInfo, uid int) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid
}

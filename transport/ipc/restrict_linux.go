// SPDX-License-Identifier: MIT

package ipc

import (
	"io/fs"
	"syscall"
)

// restrictBeforeBind gives the socket its permissions before it has a file, so that the file is never more
// open than wished, not even for a moment. The umask still takes from them; listen puts that right.
func restrictBeforeBind(fd uintptr, mode fs.FileMode) {
	_ = syscall.Fchmod(int(fd), uint32(mode.Perm()))
}

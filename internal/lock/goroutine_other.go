// SPDX-License-Identifier: MIT

//go:build lockcheck && !amd64

package lock

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutine returns the number of the calling goroutine, which is in the first line of its stack. That is slow.
func goroutine() uintptr {
	var buf [64]byte
	line := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(line, []byte(" "))
	g, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		violated("no goroutine in " + string(line))
	}
	return uintptr(g)
}

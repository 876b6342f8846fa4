// SPDX-License-Identifier: MIT

//go:build unix

package worker

import (
	"syscall"
	"time"
)

// readSystem reads the figures of all threads, those that have ended included.
func (u *usage) readSystem() {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return // nothing is wrong with its arguments
	}
	u.cpu = (time.Duration(r.Utime.Nano()) + time.Duration(r.Stime.Nano())).Seconds()
	u.voluntary, u.involuntary = int64(r.Nvcsw), int64(r.Nivcsw) //nolint:unconvert // 32-bit systems have int32
}

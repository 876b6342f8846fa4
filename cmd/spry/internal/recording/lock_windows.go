// SPDX-License-Identifier: MIT

package recording

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// lockPlace is a byte beyond what a recording has: a lock there keeps no reader out.
func lockPlace() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: math.MaxInt32} }

// tryLock takes the lock of a file, for a writer alone or beside other readers. An error says that the file has none.
func tryLock(f *os.File, alone bool) (held bool, err error) {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if alone {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, lockPlace())
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

func unlock(f *os.File) { _ = windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, lockPlace()) }

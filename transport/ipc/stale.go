// SPDX-License-Identifier: MIT

package ipc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/sprymq/spry/internal/errno"
)

// bindFile listens at the path. A socket that a dead process left there is removed first; anything else
// there stays, and is an error.
func bindFile(ctx context.Context, path string, mode fs.FileMode) (*net.UnixListener, error) {
	// Of several processes that find the same stale file one must win. Without the lock, the slower could
	// remove the file that the faster has just bound, or has bound and not begun to listen on.
	unlock := lockDir(ctx, filepath.Dir(path))
	defer unlock()
	l, err := bind(ctx, path, mode)
	if !errors.Is(err, errno.AddrInUse) {
		return l, err
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	return bind(ctx, path, mode)
}

// removeStale removes the file at the path if it is a socket without a listener.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%w: a file that is not a socket is there; remove it or choose another path", errno.AddrInUse)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case !errors.Is(err, errno.ConnRefused):
		return fmt.Errorf("%w: another listener is there; close it or choose another path", errno.AddrInUse)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stale socket: %w", err)
	}
	return nil
}

// lockPatience is how long [lockDir] waits for a lock that others hold too long to be after the same.
const lockPatience = 2 * time.Second

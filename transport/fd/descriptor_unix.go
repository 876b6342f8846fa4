// SPDX-License-Identifier: MIT

//go:build unix

package fd

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// describe looks at a descriptor. Other than a stream socket that listens or is connected is an error.
func describe(n int) (description, error) {
	kind, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case errors.Is(err, unix.EBADF):
		return description{}, fmt.Errorf("the process has no descriptor %d: the program that started it has not passed one, or it was closed", n)
	case errors.Is(err, unix.ENOTSOCK):
		return description{}, fmt.Errorf("descriptor %d is no socket", n)
	case err != nil:
		return description{}, fmt.Errorf("descriptor %d: %w", n, err)
	case kind != unix.SOCK_STREAM:
		return description{}, fmt.Errorf("descriptor %d is not a stream socket; a socket unit needs ListenStream=", n)
	}
	listens, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return description{}, fmt.Errorf("descriptor %d: %w", n, err)
	}
	var file unix.Stat_t
	if err := unix.Fstat(n, &file); err != nil {
		return description{}, fmt.Errorf("descriptor %d: %w", n, err)
	}
	about := description{socket: file.Ino, listens: listens != 0}
	if about.listens {
		return about, nil
	}
	if _, err := unix.Getpeername(n); err != nil {
		return description{}, fmt.Errorf("descriptor %d neither listens nor is connected: %w", n, err)
	}
	return about, nil
}

// duplicate makes a file of another descriptor for the same socket. Programs that the process starts inherit neither.
func duplicate(n int) (*os.File, error) {
	unix.CloseOnExec(n)
	other, err := unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", n, err)
	}
	return os.NewFile(uintptr(other), fmt.Sprintf("fd://%d", n)), nil
}

// duplicateListener returns a listener on the socket. The descriptor stays open.
func duplicateListener(n int) (net.Listener, error) {
	f, err := duplicate(n)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", n, err)
	}
	return l, nil
}

// moveConnection returns the connection and closes the descriptor, because the peer sees the end of a connection only when all
// descriptors for it are closed.
func moveConnection(n int) (net.Conn, error) {
	f, err := duplicate(n)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", n, err)
	}
	if err := unix.Close(n); err != nil {
		return nil, errors.Join(fmt.Errorf("descriptor %d: %w", n, err), conn.Close())
	}
	return conn, nil
}

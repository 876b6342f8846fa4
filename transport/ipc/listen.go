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
	"runtime"
	"sync"
	"syscall"

	"github.com/sprymq/spry/transport"
)

type listener struct {
	url   transport.URL
	inner *net.UnixListener
	file  *socketFile // nil for an abstract name
	dir   string      // made for the socket alone; empty if none was

	closeOnce sync.Once
	closeErr  error
}

// listen binds the name. Its errors do not name the endpoint yet.
func listen(ctx context.Context, u transport.URL, name string, mode fs.FileMode) (*listener, error) {
	abstract := u.Scheme == "abstract"
	if err := checkPermissions(mode, abstract); err != nil {
		return nil, err
	}
	var (
		inner *net.UnixListener
		err   error
	)
	if abstract {
		inner, err = bind(ctx, name, mode)
	} else {
		inner, err = bindFile(ctx, name, mode)
	}
	if err != nil {
		return nil, err
	}
	l := &listener{url: u, inner: inner}
	if abstract {
		return l, nil
	}
	// Package net would remove whatever is at the path by then.
	inner.SetUnlinkOnClose(false)
	if l.file, err = ownFile(name); err == nil && mode != 0 {
		err = os.Chmod(name, mode)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// listenAnywhere binds a path in a new directory, which only this user can enter, and which goes with the listener.
func listenAnywhere(ctx context.Context, u transport.URL, mode fs.FileMode) (transport.Listener, error) {
	dir, err := os.MkdirTemp("", "spry-")
	if err != nil {
		return nil, wrap(u, err)
	}
	chosen := transport.URL{Scheme: u.Scheme, Address: filepath.Join(dir, "socket")}
	name, err := socketName(chosen)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	l, err := listen(ctx, chosen, name, mode)
	if err != nil {
		return nil, errors.Join(wrap(u, err), os.Remove(dir))
	}
	l.dir = dir
	return l, nil
}

// checkPermissions refuses what could not be kept: to ignore it would open the socket to more processes
// than its owner believes.
func checkPermissions(mode fs.FileMode, abstract bool) error {
	switch {
	case mode == 0:
		return nil
	case mode&^fs.ModePerm != 0:
		return fmt.Errorf("permissions %v may have only the bits of 0777", mode)
	case abstract:
		return errors.New("an abstract socket has no permissions; use ipc:// with a path, or check each peer's credentials")
	case runtime.GOOS == "windows":
		return errors.New("sockets have no permissions on windows; restrict the directory instead")
	}
	return nil
}

// bind listens at the name, which must be free.
func bind(ctx context.Context, name string, mode fs.FileMode) (*net.UnixListener, error) {
	var config net.ListenConfig
	if mode != 0 {
		config.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) { restrictBeforeBind(fd, mode) })
		}
	}
	l, err := config.Listen(ctx, "unix", name)
	if err != nil {
		return nil, err
	}
	return l.(*net.UnixListener), nil
}

// Accept waits for the next connection.
func (l *listener) Accept() (transport.Link, error) {
	conn, err := l.inner.Accept()
	if err != nil {
		return nil, wrap(l.url, err)
	}
	return NewLink(conn), nil
}

// Addr is the bound address: a *net.UnixAddr.
func (l *listener) Addr() net.Addr { return l.inner.Addr() }

// URL is the URL that was listened on, with the path that was chosen for a wildcard.
func (l *listener) URL() string { return l.url.String() }

// Close stops listening and removes the socket's file if it is still this listener's. The file goes
// first: while the socket lives no other file can have its inode number.
func (l *listener) Close() error {
	l.closeOnce.Do(func() {
		l.closeErr = errors.Join(l.file.remove(), l.inner.Close())
		if l.dir != "" {
			l.closeErr = errors.Join(l.closeErr, os.Remove(l.dir))
		}
	})
	return l.closeErr
}

// A socketFile is the file that stands for a bound socket.
type socketFile struct {
	path string // absolute: the working directory may change
	info fs.FileInfo
}

// ownFile notes which file at the path is ours, just after binding it.
func ownFile(name string) (*socketFile, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	return &socketFile{path: path, info: info}, nil
}

// remove deletes the file unless another one has taken its place. On a nil socketFile it does nothing.
func (f *socketFile) remove() error {
	if f == nil {
		return nil
	}
	now, err := os.Lstat(f.path)
	if err != nil || !os.SameFile(f.info, now) {
		return nil
	}
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SPDX-License-Identifier: MIT

//go:build unix

package fd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/fd"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/transporttest"
)

func TestTransport(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		transporttest.Run(t, activated{tcp.Transport{}, "tcp"}, transporttest.Options{
			URL: func(*testing.T) string { return "tcp://127.0.0.1:0" },
		})
	})
	t.Run("ipc", func(t *testing.T) {
		transporttest.Run(t, activated{ipc.Transport{}, "unix"}, transporttest.Options{
			URL: func(t *testing.T) string { return "ipc://" + filepath.Join(t.TempDir(), "s") },
		})
	})
}

// activated is a transport whose listeners are made by somebody else, as by systemd, and passed as descriptors.
type activated struct {
	transport.Transport
	network string
}

func (a activated) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	bound, err := new(net.ListenConfig).Listen(ctx, a.network, u.Address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u, err)
	}
	n, err := passed(bound)
	if err != nil {
		return nil, err
	}
	l, err := fd.Transport{}.Listen(ctx, transport.URL{Scheme: "fd", Address: fmt.Sprint(n)}, o)
	if err != nil {
		return nil, err
	}
	return passedListener{l, n}, nil
}

// passedListener ends as the program that made the socket would end it: nobody listens any more, and the file is gone.
type passedListener struct {
	transport.Listener
	fd int
}

func (l passedListener) Close() error {
	err := unix.Close(l.fd)
	if errors.Is(err, unix.EBADF) { // the second call of Close
		err = nil
	} else if at, ok := l.Addr().(*net.UnixAddr); ok {
		err = errors.Join(err, os.Remove(at.Name))
	}
	return errors.Join(l.Listener.Close(), err)
}

// passed makes a descriptor of a listener or a connection, as one that the process has from its parent, and closes what it had.
func passed(socket interface{ Close() error }) (int, error) {
	if l, ok := socket.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false)
	}
	f, err := socket.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		return 0, err
	}
	n, err := unix.Dup(int(f.Fd()))
	return n, errors.Join(err, f.Close(), socket.Close())
}

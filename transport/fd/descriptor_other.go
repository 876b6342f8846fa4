// SPDX-License-Identifier: MIT

//go:build !unix

package fd

import (
	"errors"
	"fmt"
	"net"
	"runtime"
)

func unsupported() error {
	return fmt.Errorf("%s passes no sockets as descriptors: %w", runtime.GOOS, errors.ErrUnsupported)
}

func describe(int) (description, error) { return description{}, unsupported() }

func duplicateListener(int) (net.Listener, error) { return nil, unsupported() }

func moveConnection(int) (net.Conn, error) { return nil, unsupported() }

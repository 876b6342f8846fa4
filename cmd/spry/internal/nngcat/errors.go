// SPDX-License-Identifier: MIT

package nngcat

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
)

// errorText is what nngcat would call an error.
func errorText(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "Address invalid"
	}
	for _, known := range []struct {
		err  error
		text string
	}{
		{transport.ErrURL, "Invalid argument"},
		{spry.ErrScheme, "Not supported"},
		{context.DeadlineExceeded, "Timed out"},
		{os.ErrDeadlineExceeded, "Timed out"},
		{syscall.ECONNREFUSED, "Connection refused"},
		{syscall.ENOENT, "Connection refused"}, // an ipc path without a listener
		{syscall.ENOTSOCK, "Connection refused"},
		{syscall.EPROTOTYPE, "Connection refused"},
		{syscall.EADDRINUSE, "Address in use"},
		{syscall.EADDRNOTAVAIL, "Address invalid"},
		{syscall.ECONNRESET, "Connection reset"},
		{syscall.EACCES, "Permission denied"},
		{syscall.EPERM, "Permission denied"},
		{net.ErrClosed, "Object closed"},
	} {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	if op, ok := errors.AsType[*spry.OpError](err); ok {
		err = op.Err // nngcat has said which operation it was
	}
	return systemText(err)
}

// systemText is the operating system's own words for an error, with a capital, as C programs print them.
func systemText(err error) string {
	text := err.Error()
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		text = path.Err.Error()
	}
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

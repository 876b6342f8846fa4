// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/wire"
)

func isProtocol(err error) bool {
	var pe *wire.ProtocolError
	return errors.As(err, &pe)
}

// suspicion is what may be wrong if the peer falls silent or ends the connection now, or "".
func (h *streamHandshake) suspicion() string {
	if s, ok := h.shake.(wire.Suspect); ok {
		return s.Suspicion()
	}
	return ""
}

// handshakeError gives what ended a handshake its reason, and says what may be behind it.
func handshakeError(err error, suspicion string) error {
	if isProtocol(err) {
		return err
	}
	if suspicion != "" {
		suspicion = ": " + suspicion
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return &reasonError{reasons.Timeout, fmt.Errorf("the peer did not finish its handshake in time (%w)%s", err, suspicion)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return &reasonError{reasons.EarlyEOF, fmt.Errorf("the peer closed the connection within the handshake (%w)%s", err, suspicion)}
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%w%s", err, suspicion)
	}
	return err
}

// securityError is handshakeError for the handshake of TLS.
func securityError(ctx context.Context, listening bool, err error) error {
	suspicion := ""
	if !listening {
		suspicion = "it may not speak TLS: dial without tls+, or check the port"
	}
	var header tls.RecordHeaderError
	switch {
	case ctx.Err() != nil:
		return handshakeError(ctx.Err(), suspicion)
	case errors.Is(err, os.ErrDeadlineExceeded): // the connection's deadline was faster than ctx
		return handshakeError(err, suspicion)
	case errors.As(err, &header):
		return &reasonError{reasons.Security, fmt.Errorf("%s (%w)", withoutTLS(header.RecordHeader[:], listening), err)}
	case errors.Is(err, io.EOF) && !listening:
		return &reasonError{reasons.Security, fmt.Errorf("the peer closed the connection within the handshake of TLS (%w): %s", err, suspicion)}
	}
	return &reasonError{reasons.Security, err}
}

// withoutTLS says what a peer spoke instead of TLS, and the remedy.
func withoutTLS(first []byte, listening bool) string {
	name, spoken := wire.ForeignName(first)
	remedy := "check the port"
	switch {
	case name == "":
		name = "something else"
		fallthrough
	case spoken && listening:
		remedy = "dial tls+tcp:// there, or listen without tls+"
	case spoken:
		remedy = "dial without tls+, or listen on tls+tcp:// there"
	}
	return "the peer does not speak TLS, but " + name + ": " + remedy
}

// SPDX-License-Identifier: MIT

package engine

import (
	"context"
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
	case isAlert(err):
		return &reasonError{reasons.Security, fmt.Errorf("%w: %s", err, alertRemedy(err))}
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return &reasonError{reasons.Timeout, fmt.Errorf("the peer did not finish its handshake in time (%w)%s", err, suspicion)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return &reasonError{reasons.EarlyEOF, fmt.Errorf("the peer closed the connection within the handshake (%w)%s", err, suspicion)}
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("%w%s", err, suspicion)
	}
	return err
}

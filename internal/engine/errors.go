// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/errno"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/internal/wire"
)

// Sentinels; the root package documents and exports them.
var (
	ErrClosed     = closedError{}
	ErrNoPeer     = errors.New("no peer is connected")
	ErrRefused    = errors.New("peer refused")
	ErrBusy       = errors.New("the socket already has a peer")
	ErrPipeClosed = errors.New("the pipe is closed")
	ErrGivenUp    = errors.New("the request was given up")
	ErrStalled    = errors.New("the peer does not read its messages")
	ErrMultipart  = errors.New("a message of several frames cannot be sent to a peer of the Scalability Protocols: make it one frame, or connect ZeroMQ peers only")
	ErrTooLarge   = errors.New("the message is larger than the link to its peer carries: send less at a time, or use a transport without a limit")
	ErrNotText    = errors.New("the message is not UTF-8, and the link to its peer carries text only: use ?format=json, which carries any bytes")
	ErrWouldBlock = queue.ErrWouldBlock
	ErrScheme     = errors.New("no transport for this scheme")
	ErrConfig     = errors.New("invalid configuration")
	ErrBudget     = errors.New("the memory budget of the sockets was exceeded, and this pipe used the most: receive faster, lower MaxMessageSize or the queues' limits, or raise the Budget")
	ErrUnsent     = errors.New("the socket closed before its queues were empty: use Shutdown or a longer Linger to wait longer")

	ErrUnconfirmed = errors.New("time ran out before the peers had received everything and closed their side: use Shutdown or a longer Linger to wait longer")
)

// closedError is what calls on a closed socket or endpoint return: it is net.ErrClosed too.
type closedError struct{}

func (closedError) Error() string        { return "closed" }
func (closedError) Is(target error) bool { return target == net.ErrClosed }

// An OpError says which operation failed, on which endpoint, with which peer, and why.
type OpError struct {
	Op   string // "dial", "listen", "handshake", "send", "recv", "close", ...
	URL  string // the endpoint, if one is concerned
	Peer string // the peer's address, if one is concerned
	Err  error

	// Reason is why a handshake failed, in the terms of the statistics: "role_mismatch".
	Reason reasons.Reason

	// Unsent is the number of messages that a Close or Shutdown could not hand over.
	Unsent int

	// Unknown is the number of messages sent on connections that a Close or Shutdown had to close without proof of arrival.
	// It is an upper bound of those that did not arrive.
	Unknown int
}

func (e *OpError) Error() string {
	var b strings.Builder
	b.WriteString("spry: ")
	b.WriteString(e.Op)
	if e.URL != "" {
		b.WriteString(" " + e.URL)
	}
	if e.Peer != "" && !strings.Contains(e.URL, e.Peer) {
		b.WriteString(" (peer " + e.Peer + ")")
	}
	b.WriteString(": " + e.cause())
	return b.String()
}

// cause is the text of Err without the addresses that stand before it already: transports begin with their URL, and net
// with its network and address.
func (e *OpError) cause() string {
	text := e.Err.Error()
	_, plain, _ := strings.Cut(e.URL, "+") // the URL that the transport was given, where this one names a dialect
	for _, url := range []string{e.URL, plain} {
		if url != "" {
			text = strings.TrimPrefix(text, url+": ")
		}
	}
	if op, ok := errors.AsType[*net.OpError](e.Err); ok && op.Err != nil && e.URL+e.Peer != "" {
		text = strings.Replace(text, op.Error(), op.Err.Error(), 1)
	}
	return text
}

func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the operation ran out of time, as net.Error does.
func (e *OpError) Timeout() bool {
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, os.ErrDeadlineExceeded)
}

// OpErr makes an error that is not nil an OpError: the one that is in it, or a new one around it.
func OpErr(op string, err error) *OpError {
	//nolint:errorlint // of the error itself: the causes of a late one are the errors of other operations
	if _, ok := err.(*lateError); ok {
		return &OpError{Op: op, Err: err}
	}
	if e, ok := errors.AsType[*OpError](err); ok {
		return e
	}
	return &OpError{Op: op, Err: err}
}

// maxShown is how much an error shows of a URL that is too long to be one, in bytes.
const maxShown = 64

// wrap is OpErr with the URL that the operation was about.
func wrap(op, url string, err error) error {
	if e, ok := errors.AsType[*OpError](err); ok {
		return e
	}
	shown := urls.Redact(url)
	if len(shown) > urls.MaxLen {
		shown = shown[:maxShown] + "..."
	}
	return &OpError{Op: op, URL: shown, Err: err}
}

// orderly reports whether an error is a peer's orderly end or our own close.
func orderly(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)
}

// A reasonError gives an error of the connection a reason to be counted under.
type reasonError struct {
	reason reasons.Reason
	err    error
}

func (e *reasonError) Error() string { return e.err.Error() }
func (e *reasonError) Unwrap() error { return e.err }

// reasonOf is the reason under which an error is counted.
func reasonOf(err error) reasons.Reason {
	var pe *wire.ProtocolError
	var re *reasonError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pe):
		return pe.Reason
	case errors.As(err, &re):
		return re.reason
	case errors.Is(err, ErrBudget):
		return reasons.Budget
	case errors.Is(err, ErrRefused), errors.Is(err, ErrBusy):
		return reasons.Refused
	case errors.Is(err, io.EOF):
		return reasons.EOF
	case errors.Is(err, net.ErrClosed):
		return reasons.Closed
	case errors.Is(err, ErrOverflow):
		return reasons.Overflow
	case errors.Is(err, ErrStalled):
		return reasons.Stalled
	}
	return reasons.IO
}

// failureOf is reasonOf for an attempt to connect.
func failureOf(err error) reasons.Reason {
	if reason := reasonOf(err); reason != reasons.IO {
		return reason
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return reasons.Unresolved
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return reasons.Timeout
	}
	switch {
	case errors.Is(err, errno.ConnRefused), errors.Is(err, fs.ErrNotExist), errors.Is(err, errNoListener):
		return reasons.NoListener
	case errors.Is(err, errno.HostUnreachable), errors.Is(err, errno.NetUnreachable):
		return reasons.Unreachable
	case errors.Is(err, errno.TooManyFiles):
		return reasons.Resources
	}
	return reasons.IO
}

func addrString(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// SPDX-License-Identifier: MIT

package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/sprymq/spry"
)

// A StatusError is answered with its status and text. [Client] returns it for such an answer.
type StatusError struct {
	Status int    // 400 to 599
	Text   string // for the client
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), e.Text)
}

// A hiddenError has a cause for the log that is not for the client.
type hiddenError struct {
	status int
	text   string
	cause  error
}

func (e *hiddenError) Error() string { return e.text + ": " + e.cause.Error() }
func (e *hiddenError) Unwrap() error { return e.cause }

// refused is the error of Authorize as an answer.
func refused(err error) error {
	if known := new(StatusError); errors.As(err, &known) {
		return known
	}
	return &hiddenError{http.StatusForbidden, "not authorized", err}
}

var errNoPeer = &StatusError{http.StatusServiceUnavailable, "no peer is connected"}

// socketError is the error of a socket as an answer. late is the answer to a call whose time was over although there is a peer.
func socketError(err error, late *StatusError) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, spry.ErrNoPeer):
		return errNoPeer
	case errors.Is(err, context.DeadlineExceeded):
		return late
	case errors.Is(err, spry.ErrTooLarge):
		return &hiddenError{http.StatusRequestEntityTooLarge, "the body is larger than a peer takes", err}
	case errors.Is(err, spry.ErrClosed):
		return &StatusError{http.StatusServiceUnavailable, "the socket is closed"}
	}
	return &hiddenError{http.StatusBadGateway, "the request failed", err}
}

// A problem is the body of an answer to a request that failed.
type problem struct {
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
}

const problemType = "application/problem+json"

// fail answers with an error, unless the answer has begun.
func (x *exchange) fail(err error) {
	if x.begun {
		x.log(err)
		x.cut()
	}
	status, text := http.StatusInternalServerError, "internal error"
	var known *StatusError
	var hidden *hiddenError
	switch {
	case errors.As(err, &known):
		status, text = known.Status, known.Text
	case errors.As(err, &hidden):
		status, text = hidden.status, hidden.text
	case errors.Is(x.r.Context().Err(), context.Canceled):
		// A client that only ended its side of the connection still reads, and would get 200 from net/http.
		status, text = StatusGone, "the client has ended the connection"
	}
	x.w.Header()["Cache-Control"] = noStore
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		x.w.Header().Set("Retry-After", "1")
	}
	if status == http.StatusUnauthorized {
		x.w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110 demands one
	}
	data, _ := json.Marshal(problem{http.StatusText(status), status, text, x.id[0]}) // strings and a number
	_ = x.reply(status, problemType, data)                                           // the client may have gone
	if status != StatusGone {
		x.log(err)
	}
}

func (x *exchange) log(err error) {
	if x.options.Logger != nil {
		x.options.Logger.LogAttrs(x.r.Context(), slog.LevelWarn, "gateway: request failed", slog.String("request_id", x.id[0]),
			slog.String("path", x.r.URL.Path), slog.String("client", x.options.Client(x.r)), slog.Int("status", x.status), slog.Any("error", err))
	}
}

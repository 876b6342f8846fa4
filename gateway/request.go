// SPDX-License-Identifier: MIT

package gateway

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// timeoutHeader is the header in which a request names its time.
const timeoutHeader = "Spry-Timeout"

// firstBody is how much memory a body gets before any of it has arrived, at most: whatever length was announced.
const firstBody = 16 << 10

var errBusy = &StatusError{http.StatusServiceUnavailable, "the bodies of other requests leave no room for this one"}

// body reads the body of the request.
func (x *exchange) body() ([]byte, error) {
	length := x.r.ContentLength
	switch {
	case length == 0:
		return nil, nil
	case length > x.options.MaxBody:
		return nil, x.tooLarge()
	}
	_ = x.control.SetReadDeadline(time.Now().Add(x.options.BodyTimeout)) // a connection that has none has its server's
	body, err := x.readBody(http.MaxBytesReader(x.w, x.r.Body, x.options.MaxBody), length)
	if err == nil {
		_ = x.control.SetReadDeadline(time.Time{})
		return body, nil
	}
	var large *http.MaxBytesError
	var timeout net.Error
	switch known := new(StatusError); {
	case errors.As(err, &known):
		return nil, known
	case errors.As(err, &large):
		return nil, x.tooLarge()
	case errors.As(err, &timeout) && timeout.Timeout():
		x.w.Header().Set("Connection", "close")
		return nil, &StatusError{http.StatusRequestTimeout, "the body does not arrive in time"}
	}
	return nil, &hiddenError{http.StatusBadRequest, "the body cannot be read", err}
}

// readBody reads a body of a length, or of any if that is negative. Its memory grows as it arrives.
func (x *exchange) readBody(from io.Reader, length int64) ([]byte, error) {
	size := int64(firstBody)
	if length >= 0 {
		size = min(size, length+1) // room to find the end
	}
	if !x.take(size) {
		return nil, errBusy
	}
	body := make([]byte, 0, size)
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		case len(body) == cap(body):
			more := int64(cap(body))
			if length >= 0 {
				more = min(more, length+1-more)
			}
			if !x.take(more) {
				return nil, errBusy
			}
			body = append(make([]byte, 0, int64(cap(body))+more), body...)
		}
	}
}

// take takes room for a part of the body. The exchange returns it at its end.
func (x *exchange) take(n int64) bool {
	if x.bodies.Add(n) > x.options.MaxBodies {
		x.bodies.Add(-n)
		return false
	}
	x.taken += n
	return true
}

func (x *exchange) release() { x.bodies.Add(-x.taken) }

func (x *exchange) tooLarge() error {
	return &StatusError{http.StatusRequestEntityTooLarge, "a body has at most " + strconv.FormatInt(x.options.MaxBody, 10) + " bytes"}
}

// parseTimeout reads a time above 0. A number without a unit has milliseconds.
func parseTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if ms, bare := strconv.ParseUint(text, 10, 31); bare == nil {
		d, err = time.Duration(ms)*time.Millisecond, nil
	}
	if err == nil && d <= 0 {
		err = errors.New("not above 0")
	}
	return d, err
}

// maxRequestID is the length of the longest id that is taken from a client.
const maxRequestID = 128

// New ids are the process's own part and a number.
var (
	idOfProcess = strings.ToLower(rand.Text()[:12]) + "-"
	lastID      atomic.Uint64
)

// requestIDOf is the id that a client gave, if it is harmless in logs and headers, or a new one.
func requestIDOf(given string) string {
	if given == "" || len(given) > maxRequestID || strings.ContainsFunc(given, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return idOfProcess + strconv.FormatUint(lastID.Add(1), 36)
	}
	return given
}

// SPDX-License-Identifier: MIT

package gateway

import (
	"crypto/rand"
	"errors"
	"io"
	"math"
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
	x.limitReading()
	from := x.r.Body
	if length < 0 {
		from = http.MaxBytesReader(x.w, from, x.options.MaxBody)
	}
	body, err := x.readBody(from, length)
	if err == nil {
		x.whole = true
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
		return nil, &StatusError{http.StatusRequestTimeout, "the body does not arrive in time"}
	}
	return nil, &hiddenError{http.StatusBadRequest, "the body cannot be read", err}
}

// limitReading gives the client time to send a body.
func (x *exchange) limitReading() {
	_ = x.control.SetReadDeadline(time.Now().Add(x.options.BodyTimeout)) // a connection that has none has its server's
}

// maxDiscard is how much of an unread body is read so that a connection can have further requests.
const maxDiscard = 256 << 10

// endRequest ends a request of HTTP/1 before its answer begins. It reads the rest of the body, for which net/http would wait without
// a limit of time. It closes the connection after a body that goes on, and after one in chunks: RFC 9112 demands that of the latter
// if there is also a length, and net/http does not tell.
func (x *exchange) endRequest() {
	if x.r.ProtoMajor > 1 || x.r.ContentLength == 0 {
		return
	}
	header := x.w.Header()
	if !x.whole && header.Get("Connection") == "" && x.r.Header.Get("Expect") == "" { // otherwise, net/http closes the connection
		x.limitReading()
		if _, err := io.CopyN(io.Discard, x.r.Body, maxDiscard); !errors.Is(err, io.EOF) {
			header.Set("Connection", "close")
		}
	}
	if len(x.r.TransferEncoding) > 0 {
		header.Set("Connection", "close")
	}
}

// readBody reads a body of a length, or of any if that is negative. Its memory grows as it arrives.
func (x *exchange) readBody(from io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		length = x.options.MaxBody
	}
	length++ // room to find the end
	size := min(firstBody, length)
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
			more := min(int64(cap(body)), length-int64(cap(body)))
			if !x.take(more) {
				return nil, errBusy
			}
			body = append(make([]byte, 0, int64(cap(body))+more), body...)
		}
	}
}

// take takes room for a part of the body, until release.
func (x *exchange) take(n int64) bool {
	if x.bodies.Add(n) > x.options.MaxBodies+1 { // one byte finds the end of the largest
		x.bodies.Add(-n)
		return false
	}
	x.taken += n
	return true
}

// release returns the room of the body.
func (x *exchange) release() {
	x.bodies.Add(-x.taken)
	x.taken = 0
}

func (x *exchange) tooLarge() error {
	return &StatusError{http.StatusRequestEntityTooLarge, "a body has at most " + strconv.FormatInt(x.options.MaxBody, 10) + " bytes"}
}

// maxMilliseconds is the longest time.
const maxMilliseconds = uint64(math.MaxInt64 / time.Millisecond)

// parseTimeout reads a time above 0. A number without a unit has milliseconds.
func parseTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if ms, bare := strconv.ParseUint(text, 10, 63); bare == nil {
		d, err = time.Duration(min(ms, maxMilliseconds))*time.Millisecond, nil
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

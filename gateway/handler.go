// SPDX-License-Identifier: MIT

package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// A Handler is an http.Handler that joins a socket to HTTP. It is made by [Ask], [Send], [Survey], [Stream] and [NewEvents]. It is
// safe for concurrent use.
type Handler struct {
	options  Options
	method   string // the only one that it serves, apart from OPTIONS
	work     func(*exchange) error
	clients  *clients
	counters counters
	bodies   atomic.Int64 // bytes of all bodies
}

func newHandler(o *Options, method string, work func(*exchange) error) *Handler {
	options := o.withDefaults()
	return &Handler{options: options, method: method, work: work, clients: newClients(&options)}
}

// Stats returns the handler's counters.
func (h *Handler) Stats() Stats { return h.counters.stats() }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.counters.begin()
	x := &exchange{Handler: h, w: w, r: r, control: http.NewResponseController(w), status: http.StatusInternalServerError}
	defer x.settle()
	x.id[0] = requestIDOf(r.Header.Get("X-Request-Id"))
	header := w.Header()
	header["X-Request-Id"] = x.id[:]
	header["X-Content-Type-Options"] = noSniff
	if err := x.serve(); err != nil {
		x.fail(err)
	}
	x.end()
}

// Answers to POST are not cached anyway: RFC 9110, 9.3.3. Those to GET, and errors, say no-store.
var noSniff, noStore = []string{"nosniff"}, []string{"no-store"}

// An exchange is a request and its answer.
type exchange struct {
	*Handler
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	id      [1]string // the values of headers
	kind    [1]string
	length  [1]string
	status  int                // of the answer
	begun   bool               // the answer is
	left    bool               // the client has left the stream of its answer
	due     time.Time          // when the client must have taken what is written
	whole   bool               // the body has been read to its end
	taken   int64              // of the bytes of all bodies
	stop    context.CancelFunc // of its context; may be nil
}

func (x *exchange) serve() error {
	if done, err := x.checkOrigin(); done || err != nil {
		return err
	}
	if x.r.Method != x.method {
		x.w.Header().Set("Allow", x.method+", OPTIONS")
		return &StatusError{http.StatusMethodNotAllowed, "use " + x.method}
	}
	client := x.options.Client(x.r)
	if err := x.clients.begin(client, time.Now()); err != nil {
		return err
	}
	defer x.clients.end(client)
	if x.options.Authorize != nil {
		if err := x.options.Authorize(x.r); err != nil {
			return refused(err)
		}
	}
	return x.work(x)
}

// settle counts the exchange, and returns the room of its body and its timer.
func (x *exchange) settle() {
	if x.stop != nil {
		x.stop()
	}
	x.release()
	x.counters.end(x.status)
}

// message reads the body. ctx ends when the time of the request is over, which is byDefault if it names none, and when its client has gone.
func (x *exchange) message(byDefault time.Duration) (ctx context.Context, body []byte, err error) {
	if body, err = x.body(); err != nil {
		return nil, nil, err
	}
	timeout := byDefault
	if text := x.r.Header.Get(timeoutHeader); text != "" {
		if timeout, err = parseTimeout(text); err != nil {
			return nil, nil, &StatusError{http.StatusBadRequest, timeoutHeader + " is a time such as 1500ms or 2s, or a number of milliseconds"}
		}
	}
	ctx, x.stop = context.WithTimeout(x.r.Context(), min(timeout, x.options.MaxTimeout))
	return ctx, body, nil
}

// begin begins the answer. What is written from now on must be taken in time.
func (x *exchange) begin(status int, contentType string) {
	x.endRequest()
	x.release() // before the client can have the answer and send another request
	x.begun, x.status = true, status
	if contentType != "" {
		x.kind[0] = contentType
		x.w.Header()["Content-Type"] = x.kind[:]
	}
	x.extend()
	x.w.WriteHeader(status)
}

// reply sends a whole answer.
func (x *exchange) reply(status int, contentType string, body []byte) error {
	x.length[0] = strconv.Itoa(len(body))
	x.w.Header()["Content-Length"] = x.length[:]
	x.begin(status, contentType)
	_, err := x.w.Write(body)
	return err
}

// flush sends what was written. Then the client owes nothing: the deadline goes, with which a stream of HTTP/2 would end though nothing
// is written.
func (x *exchange) flush() error {
	if err := x.control.Flush(); err != nil {
		return err
	}
	if x.r.ProtoMajor > 1 {
		_ = x.control.SetWriteDeadline(time.Time{})
	}
	return nil
}

// end ends the answer. On HTTP/1 it finds out whether the client takes it; net/http then takes the deadline from the connection.
func (x *exchange) end() {
	if x.r.ProtoMajor > 1 || x.left {
		return
	}
	if x.length[0] == "" {
		x.extend() // for the end of an answer in chunks, which net/http writes
	}
	if err := x.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		x.counters.cut.Add(1)
	}
}

// endOf is the error of a stream that has ended with err: none if its client has left, which is how streams end.
func (x *exchange) endOf(err error) error {
	x.left = x.r.Context().Err() != nil && (err == nil || time.Now().Before(x.due)) // net/http ends the context of slow clients, too
	if x.left {
		return nil
	}
	return err
}

// cut ends an answer that cannot be written to its end, so that no client takes it for a whole one.
func (x *exchange) cut() {
	x.counters.cut.Add(1)
	panic(http.ErrAbortHandler) //nolint:forbidigo // which is how a handler says that to net/http
}

// extend gives the client time to take what is written next.
func (x *exchange) extend() {
	x.due = time.Now().Add(x.options.WriteTimeout)
	_ = x.control.SetWriteDeadline(x.due) // a writer that has none has its server's
}

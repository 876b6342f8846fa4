// SPDX-License-Identifier: MIT

package gateway

import (
	"log/slog"
	"math"
	"net/http"
	"slices"
	"time"
)

// Options are the options of all handlers. A field that is not above 0 means the default.
type Options struct {
	// MaxBody is the size in bytes of the largest body of a request. Defaults to 1 MiB.
	MaxBody int64

	// MaxBodies limits the bytes of all bodies that the handler has at one time. A body beyond it is answered with 503. Defaults to
	// 64 MiB, and is at least MaxBody.
	MaxBodies int64

	// BodyTimeout limits the time in which a body arrives. Defaults to 10 s.
	BodyTimeout time.Duration

	// WriteTimeout limits the time in which a client takes an answer, or the next part of a stream. The connection of a slower one
	// is closed. Defaults to 10 s.
	WriteTimeout time.Duration

	// Timeout is the time that a request has if it names none in its header Spry-Timeout. Defaults to 10 s.
	Timeout time.Duration

	// MaxTimeout is the longest time that a request may name; longer ones are shortened to it. Defaults to 1 min.
	MaxTimeout time.Duration

	// MaxRequests limits the requests and streams that the handler serves at one time. Defaults to 1024.
	MaxRequests int

	// MaxPerClient limits those of one client. Defaults to half of MaxRequests, so that no client alone keeps others out.
	MaxPerClient int

	// Rate limits the requests of each client per second, and Burst how many may come at once. Defaults to no limit; Burst defaults
	// to Rate.
	Rate  float64
	Burst int

	// Client returns who sends a request, for MaxPerClient and Rate: behind a reverse proxy, the address in the header that the
	// proxy sets; see [Forwarded]. Defaults to the address of the connection; an IPv6 address stands for its /64 network.
	Client func(*http.Request) string

	// Origins are the origins whose pages may use the handler, as "https://example.com", or "*" for all; they get the headers of
	// CORS. Defaults to the page's own host: that of the request. A handler that is reached by a loopback address then also demands
	// that this host is localhost or a loopback address, of events even without an Origin: browsers send none for what a page gets
	// from its own host. Programs other than browsers send no Origin, and are not refused otherwise.
	Origins []string

	// Authorize, if not nil, is called for each request before its body is read. Its error is answered with 403, and its text is only
	// logged; a [StatusError] is answered with its own status and text, and 401 asks for a bearer token. Browsers ask for permission by
	// OPTIONS before some requests of other origins; Authorize does not see these.
	Authorize func(*http.Request) error

	// ContentType is that of replies. Defaults to application/json for a request of that type, and otherwise to
	// application/octet-stream.
	ContentType string

	// Logger, if not nil, logs requests that failed or were refused, at level Warn, with their ids.
	Logger *slog.Logger
}

const (
	defaultMaxBody     = 1 << 20
	defaultMaxBodies   = 64 << 20
	defaultMaxRequests = 1024
	defaultTimeout     = 10 * time.Second
	defaultMaxTimeout  = time.Minute
)

// maxLength is the largest length to which another byte can be added.
const maxLength = math.MaxInt - 1

// withDefaults returns a copy in which every limit has its value. o may be nil.
func (o *Options) withDefaults() Options {
	var s Options
	if o != nil {
		s = *o
	}
	s.MaxBody = min(or(s.MaxBody, defaultMaxBody), maxLength)
	s.MaxBodies = max(min(or(s.MaxBodies, defaultMaxBodies), maxLength), s.MaxBody)
	s.BodyTimeout = or(s.BodyTimeout, defaultTimeout)
	s.WriteTimeout = or(s.WriteTimeout, defaultTimeout)
	s.Timeout = or(s.Timeout, defaultTimeout)
	s.MaxTimeout = or(s.MaxTimeout, defaultMaxTimeout)
	s.MaxRequests = or(s.MaxRequests, defaultMaxRequests)
	s.MaxPerClient = or(s.MaxPerClient, (s.MaxRequests+1)/2)
	s.Burst = or(s.Burst, max(1, int(s.Rate)))
	s.Origins = slices.Clone(s.Origins)
	if s.Client == nil {
		s.Client = new(Forwarded).Client
	}
	return s
}

func or[T int | int64 | time.Duration](value, byDefault T) T {
	if value > 0 {
		return value
	}
	return byDefault
}

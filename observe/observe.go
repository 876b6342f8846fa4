// SPDX-License-Identifier: MIT

// Package observe shows the sockets of a process to other programs, by HTTP:
//
//	mux.Handle("/spry/", http.StripPrefix("/spry", observe.Handler(nil)))
//
//	/metrics   the counters as OpenMetrics 1.0 for clients that accept it, and otherwise in the older format of Prometheus
//	/stats     the counters as JSON: an object [Report]
//	/events    the events of all sockets from now on, those of later sockets included, as server-sent events: each an object [Event].
//	           Last-Event-ID goes on after an event, as long as it is among the last 1024
//	/healthz   200 as long as the process answers
//	/readyz    200 if Options.Ready says so, and else 503 with the reason
//
// [ServeLocal] serves the same to the programs of this user on this machine, and [Node] reads it.
//
// Everything is read-only, and shows no message and no secret: URLs are without passwords. It does show who is connected, so serve it
// on a loopback address, or behind what authenticates clients. Requests of web pages of other origins are refused, and at a loopback address
// those for hosts of other names: see Options.Hosts.
//
// A request costs what [spry.Socket.Stats] costs for each socket. Requests at the same time share one snapshot, so that a flood of them
// costs the sockets no more than one after the other. Streams of events cost a socket as much as one loop over [spry.Socket.Events], however
// many they are. A client that takes its events too slowly misses some, and learns how many. One that takes none for 10 s is cut off.
package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/origin"
)

// Options are the options of [Handler]. The zero value has the defaults.
type Options struct {
	// Pipes adds the counters of each pipe to /metrics, of at most this number: 0 means none. Ended pipes with messages that are not
	// delivered yet are among them. /stats has all pipes anyway. A series of its own for each connection is a burden for Prometheus.
	Pipes int

	// Ready, if not nil, is asked by /readyz. Its error is the answer, so it should not be secret. ctx ends with the request.
	Ready func(ctx context.Context) error

	// MaxStreams limits the streams of /events at one time; more are answered with 503. Defaults to 1024.
	MaxStreams int

	// Hosts are the names and addresses, without ports, under which requests may ask for a loopback address, besides localhost and
	// loopback addresses themselves: the name of a reverse proxy that passes it on.
	Hosts []string
}

// A Report is what /stats shows.
type Report struct {
	Instance string         `json:"instance"` // spry.Instance of the process
	At       time.Time      `json:"at"`       // when the figures were taken
	Process  Process        `json:"process"`
	Sockets  []SocketReport `json:"sockets"`
}

// A SocketReport is a socket of a Report.
type SocketReport struct {
	ID       uint64 `json:"id"`       // its number in the process
	Protocol string `json:"protocol"` // as "push"
	spry.Stats
}

// Take returns the figures of all listed sockets of the process: see [spry.Sockets].
func Take() Report {
	r := Report{Instance: spry.Instance(), At: time.Now(), Process: takeProcess(), Sockets: []SocketReport{}}
	for s := range spry.Sockets() {
		r.Sockets = append(r.Sockets, SocketReport{ID: s.ID(), Protocol: s.Protocol().String(), Stats: s.Stats()})
	}
	return r
}

// Handler returns a handler of the paths above. o may be nil.
func Handler(o *Options) http.Handler {
	h := &handler{shared: shared{take: Take}, feed: newFeed()}
	if o != nil {
		h.options = *o
		h.options.Hosts = slices.Clone(o.Hosts)
	}
	if h.options.MaxStreams <= 0 {
		h.options.MaxStreams = 1024
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", h.metrics)
	mux.HandleFunc("GET /stats", h.stats)
	mux.HandleFunc("GET /events", h.events)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", h.ready)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if err := origin.Allowed(h.options.Hosts, r.Header["Origin"], r.Host, local); err != nil {
			plain(w, http.StatusForbidden, err.Error()+"\n")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

type handler struct {
	options Options
	shared  shared
	feed    *feed
}

const (
	openMetrics     = "application/openmetrics-text"
	openMetricsType = openMetrics + "; version=1.0.0; charset=utf-8"
	prometheusType  = "text/plain; version=0.0.4; charset=utf-8"
)

func (h *handler) metrics(w http.ResponseWriter, r *http.Request) {
	report, err := h.shared.get(r.Context())
	if err != nil {
		return // the client has gone
	}
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), openMetrics) {
		answer(w, openMetricsType, exposed(report.Families(h.options.Pipes), false))
		return
	}
	answer(w, prometheusType, exposed(report.Families(h.options.Pipes), true))
}

func (h *handler) stats(w http.ResponseWriter, r *http.Request) {
	report, err := h.shared.get(r.Context())
	if err != nil {
		return // the client has gone
	}
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(report); err != nil {
		plain(w, http.StatusInternalServerError, err.Error()+"\n")
		return
	}
	answer(w, "application/json", text.Bytes())
}

func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	if h.options.Ready != nil {
		if err := h.options.Ready(r.Context()); err != nil {
			plain(w, http.StatusServiceUnavailable, err.Error()+"\n")
			return
		}
	}
	plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client may have gone
}

func answer(w http.ResponseWriter, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // the client may have gone
}

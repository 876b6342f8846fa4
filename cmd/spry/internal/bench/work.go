// SPDX-License-Identifier: MIT

// Package bench measures messages between two processes, or in one. The server does what the client asks for, run after run;
// the client dials it and prints the results.
//
// A run has two sockets on each side. Over the control socket, REQ to REP, the client asks for a run, learns the address of
// the data socket, and at the end the server's counters. The data sockets are those of the work: PUSH to PULL, REQ to REP,
// SUB to PUB.
package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// The kinds of work.
const (
	Thr     = "thr"     // one way, PUSH to PULL
	Lat     = "lat"     // round trips, REQ to REP, one after the other
	Callers = "callers" // round trips of many callers at once, on one connection
	Fan     = "fan"     // PUB to many SUBs, nothing lost
)

// The modes of a flow.
const (
	Plain = "plain" // Send, RecvMsg
	Batch = "batch" // SendBatch, RecvBatch
	Own   = "own"   // SendMsg of a body that is not copied, RecvMsg
)

// Limits of requests: a server trusts no number.
const (
	maxSize    = 256 << 20
	maxPeers   = 4096
	maxRunTime = 24 * time.Hour
)

// A Work describes one run. Its JSON is a part of the request for it.
type Work struct {
	Kind    string        `json:"work"`
	Size    int           `json:"size"`            // of a body, in bytes
	Mode    string        `json:"mode"`            // Plain, but for flows
	Count   int64         `json:"count,omitempty"` // messages or round trips to measure; 0 is any number
	For     time.Duration `json:"for_ns"`          // how long to measure; 0 is until Count
	Warmup  time.Duration `json:"warmup_ns"`       // how long to run before that
	Callers int           `json:"callers,omitempty"`
	Subs    int           `json:"subs,omitempty"`
}

// Check reports what is wrong with the work.
func (w *Work) Check() error {
	switch {
	case !slices.Contains([]string{Thr, Lat, Callers, Fan}, w.Kind):
		return fmt.Errorf("work %q is not known; there are thr, lat, callers and fan", w.Kind)
	case w.Size < 1 || w.Size > maxSize:
		return fmt.Errorf("a message of %d bytes: 1 to %d (256MiB) are possible", w.Size, maxSize)
	case !slices.Contains([]string{Plain, Batch, Own}, w.Mode):
		return fmt.Errorf("mode %q is not known; there are plain, batch and own", w.Mode)
	case w.Mode != Plain && w.asks():
		return fmt.Errorf("mode %q is for thr and fan only", w.Mode)
	case w.Count < 0 || w.For < 0 || w.Count == 0 && w.For == 0:
		return fmt.Errorf("nothing to do: a count or a time must be more than 0")
	case w.For > maxRunTime || w.Warmup < 0 || w.Warmup > maxRunTime:
		return fmt.Errorf("a time of %s: at most %s are possible", max(w.For, w.Warmup), maxRunTime)
	case w.Kind == Callers && (w.Callers < 1 || w.Callers > maxPeers):
		return fmt.Errorf("%d callers: 1 to %d are possible", w.Callers, maxPeers)
	case w.Kind == Fan && (w.Subs < 1 || w.Subs > maxPeers):
		return fmt.Errorf("%d subscribers: 1 to %d are possible", w.Subs, maxPeers)
	}
	return nil
}

// asks reports whether the work is round trips, and not a flow.
func (w *Work) asks() bool { return w.Kind == Lat || w.Kind == Callers }

// String is the work in a few words.
func (w *Work) String() string {
	words := []string{w.Kind, fmt.Sprintf("%d B", w.Size)}
	if w.Mode != Plain {
		words = append(words, w.Mode)
	}
	return strings.Join(words, " ")
}

// options of the run's data sockets.
func (w *Work) options(network *spry.Network) spry.Options {
	const header = 1 << 10 // more than any
	return spry.Options{MaxMessageSize: int64(max(w.Size+header, 16<<20)), Network: network, Transports: endpoint.Transports()}
}

// A span is the end of a part of a run: a count, a time, or both.
type span struct {
	count int64 // 0 is any number
	time  time.Duration
}

func (w *Work) warming() span   { return span{time: w.Warmup} }
func (w *Work) measuring() span { return span{count: w.Count, time: w.For} }

// over reports whether the span that began at start has ended, after done messages.
func (s span) over(start time.Time, done int64) bool {
	return s.count > 0 && done >= s.count || (s.time > 0 || s.count == 0) && time.Since(start) >= s.time
}

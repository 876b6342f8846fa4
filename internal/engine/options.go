// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/transport"
)

// Options of a socket, as the root package documents them. Resolve gives zero fields their defaults.
type Options struct {
	Name             string
	Unlisted         bool
	SendQueue        int
	RecvQueue        int
	SendQueueBytes   int64
	RecvQueueBytes   int64
	MaxMessageSize   int64
	TTL              int
	Linger           time.Duration
	HandshakeTimeout time.Duration
	MaxHandshakes    int
	Backoff          Backoff
	Authorize        func(ctx context.Context, p *Pipe) error
	Transports       []transport.Transport
	Dialects         []wire.Dialect // a URL without a dialect's name dials the first
	Security         wire.Security  // of dialects that have their own
	Identity         []byte
	Metadata         map[string]string
	Authenticate     Authenticate // nil = accept every peer that proves it owns its key
	Heartbeat        time.Duration
	CloseOnExpiry    bool
	Network          *Network
	Budget           *budget.Budget
	Logger           *slog.Logger
	Trace            func(Event)
	Invalid          error // an error that was found before
}

// Authenticate answers the question of a handshake on a link. It is the user's, and ctx ends with the time for the handshake.
type Authenticate func(ctx context.Context, q *wire.Question, link transport.Link) wire.Verdict

// Unlimited stands for "no limit" in resolved options.
const unlimited = 1<<31 - 1

// Resolve checks the options and fills in the defaults. Zero means the default, negative unlimited or off.
func (o Options) Resolve() (Options, error) {
	setDefault(&o.SendQueue, 16384, unlimited)
	setDefault(&o.RecvQueue, 16384, unlimited)
	setDefault(&o.SendQueueBytes, 4<<20, math.MaxInt64)
	setDefault(&o.RecvQueueBytes, 4<<20, math.MaxInt64)
	setDefault(&o.MaxHandshakes, 256, unlimited)
	setDefault(&o.MaxMessageSize, 16<<20, 0)
	setDefault(&o.Linger, time.Second, 0)
	setDefault(&o.Heartbeat, 10*time.Second, 0)
	if o.TTL == 0 {
		o.TTL = 8
	}
	if o.TTL < 1 || o.TTL > 255 {
		return o, fmt.Errorf("%w: TTL is %d and must be from 1 to 255", ErrConfig, o.TTL)
	}
	switch {
	case o.HandshakeTimeout == 0:
		o.HandshakeTimeout = 10 * time.Second
	case o.HandshakeTimeout < 0:
		return o, fmt.Errorf("%w: HandshakeTimeout is negative: a silent peer would stay for ever", ErrConfig)
	}
	if o.Network == nil {
		o.Network = DefaultNetwork
	}
	if o.Budget == nil {
		o.Budget = budget.Default()
	}
	if n := len(o.Identity); n > 255 || n > 0 && o.Identity[0] == 0 {
		return o, fmt.Errorf("%w: Identity must have up to 255 bytes and not begin with a zero byte", ErrConfig)
	}
	if slices.ContainsFunc(o.Transports, func(t transport.Transport) bool { return IsNil(t) }) {
		return o, NilError("transport in Transports")
	}
	var err error
	if o.Backoff, err = o.Backoff.resolve(); err == nil {
		err = checkMetadata(o.Metadata)
	}
	if o.Invalid != nil {
		err = o.Invalid
	}
	o.Metadata = maps.Clone(o.Metadata) // the application may change its own map
	return o, err
}

// maxMetadata is how much a socket may say of itself, in bytes: what every peer takes.
const maxMetadata = 4 << 10

func checkMetadata(said map[string]string) error {
	total := 0
	for name, value := range said {
		if len(name) < 3 || len(name) > 255 || !strings.EqualFold(name[:2], "X-") {
			return fmt.Errorf("%w: Metadata: %.40q must begin with X- and have up to 255 bytes", ErrConfig, name)
		}
		total += len(name) + len(value)
	}
	if total > maxMetadata {
		return fmt.Errorf("%w: Metadata has %d bytes and at most %d are possible", ErrConfig, total, maxMetadata)
	}
	return nil
}

// setDefault gives an option its default if it is zero, and the value for no limit, or for off, if it is negative.
func setDefault[T ~int | ~int64](option *T, byDefault, negative T) {
	switch {
	case *option == 0:
		*option = byDefault
	case *option < 0:
		*option = negative
	}
}

// SendLimits bound a pipe's outbox.
func (o Options) SendLimits() queue.Limits {
	return queue.Limits{Messages: o.SendQueue, Bytes: o.SendQueueBytes}
}

// RecvLimits bound a pipe's queue in an inbox.
func (o Options) RecvLimits() queue.Limits {
	return queue.Limits{Messages: o.RecvQueue, Bytes: o.RecvQueueBytes}
}

// Backoff says how long a dialer waits between attempts: a random time up to a bound that begins at Min and
// grows by Factor up to Max.
type Backoff struct {
	Min, Max time.Duration
	Factor   float64
}

// stableAfter is how long a connection must have lived for its dialer to begin at Min again.
const stableAfter = 5 * time.Second

func (b Backoff) resolve() (Backoff, error) {
	if b.Min == 0 {
		b.Min = 100 * time.Millisecond
		if b.Max > 0 {
			b.Min = min(b.Min, b.Max)
		}
	}
	if b.Max == 0 {
		b.Max = max(30*time.Second, b.Min)
	}
	if b.Factor == 0 {
		b.Factor = 2
	}
	switch {
	case b.Min < 0 || b.Max < b.Min:
		return b, fmt.Errorf("%w: Backoff.Min %v and Backoff.Max %v: want 0 < Min <= Max", ErrConfig, b.Min, b.Max)
	case !(b.Factor >= 1): // NaN included
		return b, fmt.Errorf("%w: Backoff.Factor %v is less than 1", ErrConfig, b.Factor)
	}
	return b, nil
}

// refused returns the time to wait after the peer refused this end: long, because its reason will hardly change soon.
func (b Backoff) refused(below dice) time.Duration {
	return b.Max/2 + time.Duration(below(uint64(b.Max/2)+1))
}

// wait returns the time to wait after that many failed attempts in a row, counted from 0. It is fully random, so that many
// dialers of one peer do not redial at once.
func (b Backoff) wait(attempt int, below dice) time.Duration {
	bound := float64(b.Min)
	for i := 0; i < attempt && bound < float64(b.Max); i++ {
		bound *= b.Factor
	}
	if bound >= float64(b.Max) {
		return time.Duration(below(uint64(b.Max) + 1)) // which may be the longest time there is
	}
	return time.Duration(below(uint64(bound) + 1))
}

// dice draw a number from 0 to n-1.
type dice func(n uint64) uint64

// diceOf are those of a dialer. A simulated network has its own, so that its runs can be repeated.
func diceOf(d transport.Dialer) dice {
	if source, ok := d.(rand.Source); ok {
		return rand.New(source).Uint64N
	}
	return rand.Uint64N
}

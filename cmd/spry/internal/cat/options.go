// SPDX-License-Identifier: MIT

// Package cat implements the verbs for messages: it moves messages between a socket and the command's input and output.
package cat

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/cmd/spry/internal/source"
)

// Options are the command line of a verb. A zero time is not given.
type Options struct {
	Endpoints endpoint.Set
	Socket    SocketOptions
	Source    source.Source
	Format    string

	Count    int64         // messages to move; 0 is no limit
	For      time.Duration // run no longer than this
	Interval time.Duration // between two messages
	Repeat   bool          // send the same again and again

	Templates bool          // fill in templates in the messages to send
	Delay     time.Duration // between the first peer's coming and the first message
	Peers     int           // to wait for before the first message

	RecvTimeout    time.Duration
	SendTimeout    time.Duration
	ConnectTimeout time.Duration
	Linger         time.Duration // for delivering, and receiving, the rest at the end; 0 is no limit, or a second after Ctrl-C

	Subscribe []string      // sub, xsub
	Join      []string      // dish
	Group     string        // radio: of every message; none means that the first frame is the group
	To        string        // router: whom every message is for; none means that the first frame says it
	Retry     time.Duration // req; 0 is the library's default, negative is never
	Deadline  time.Duration // survey
	Answers   int64         // survey: end after this number of answers; 0 waits for the deadline
	RecvCount int64         // pair, bus and others that do both: end after this number of received messages; negative is no limit
	Reply     Replier       // of verbs that answer; nil is no answers
	Workers   int           // answers made at once
	Separator string        // between frames that are printed

	// Sink, if not nil, takes the received messages instead of their being printed. Feed, if not nil, replaces Source: it
	// yields messages when they are due, as many at a time as are. A run is valid until the next iteration.
	Sink func(records []format.Record) error
	Feed func(ctx context.Context) iter.Seq2[[][][]byte, error]

	Quiet, Verbose bool
}

// SocketOptions are those that become options of the library's socket. Zero is the library's default.
type SocketOptions struct {
	Queue      int   // messages per peer and direction
	QueueBytes int64 // the same in bytes
	MaxMessage int64 // negative is unlimited
	TTL        int
	Overflow   string // drop-oldest, drop-newest, block or disconnect
	PairV0     bool   // pair: speak version 0
	ZMTP       bool   // speak ZeroMQ only
	Identity   string // sent to ZeroMQ peers
	Security   endpoint.Security
}

// Stdio is where data and talk go.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

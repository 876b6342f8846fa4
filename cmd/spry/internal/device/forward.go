// SPDX-License-Identifier: MIT

package device

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// A rawSocket shows the routing headers of messages.
type rawSocket interface {
	endpoint.Socket
	RecvBatch(ctx context.Context, dst []*spry.Message) (int, error)
	SendBatch(ctx context.Context, ms []*spry.Message) (int, error)
}

// A rawSide is one side of a device between the patterns of both families.
type rawSide struct {
	rawSocket
	framed bool // every peer speaks ZeroMQ, and takes messages of several frames

	passed atomic.Uint64 // messages that were sent to this side
	lost   atomic.Uint64 // messages for this side that it could not be sent: none of its peers can receive them, or they were in hand at the end
}

// A joiner makes one frame of several.
type joiner struct {
	given     bool
	separator string

	look  func(to *rawSide, ms []*spry.Message) // gets all that passes, if not nil
	limit func() *limiter                       // makes that of a direction, if not nil
}

// batchMax is how many messages are taken at a time.
const batchMax = 64

// forward passes messages on, in one direction, until that fails, or intake or ctx ends. Messages that were received before intake
// ends are still passed on. The header of each is the way back of its reply. Messages that were received together are passed on
// together.
func forward(ctx, intake context.Context, from, to *rawSide, join joiner) error {
	var came [batchMax]*spry.Message
	room := came[:]
	var limit *limiter
	if join.limit != nil {
		limit = join.limit()
		room = room[:limit.atOnce()]
	}
	for {
		n, err := from.RecvBatch(intake, room)
		rest := came[:0]
		for _, m := range came[:n] {
			if m = fit(m, to.framed, join); m != nil {
				rest = append(rest, m)
			} else {
				to.lost.Add(1)
			}
		}
		if join.look != nil {
			join.look(to, rest)
		}
		if err == nil && limit != nil {
			err = limit.wait(ctx, len(rest))
		}
		for err == nil && len(rest) > 0 {
			n, err = to.SendBatch(ctx, rest)
			to.passed.Add(uint64(n))
			rest = rest[n:]
			if concernsOne(err) {
				err = nil
				rest[0].Release()
				to.lost.Add(1)
				rest = rest[1:]
			}
		}
		if err != nil {
			to.lost.Add(uint64(len(rest)))
			spry.ReleaseMessages(rest)
			return err
		}
	}
}

// concernsOne reports whether an error is about one message, which no peer can receive. It must not end a bridge.
func concernsOne(err error) bool {
	return errors.Is(err, spry.ErrMultipart) || errors.Is(err, spry.ErrTooLarge) || errors.Is(err, spry.ErrNotText)
}

// fit makes a message one that peers of the Scalability Protocols can take, or returns nil.
func fit(m *spry.Message, framed bool, join joiner) *spry.Message {
	if framed {
		return m
	}
	var frames [][]byte
	for _, frame := range m.Frames() {
		frames = append(frames, frame)
	}
	if len(frames) == 1 {
		return m
	}
	defer m.Release()
	if !join.given {
		return nil
	}
	one := spry.NewMessage(m.Len() + len(frames)*len(join.separator))
	one.Write(bytes.Join(frames, []byte(join.separator)))
	one.SetHeader(bytes.Clone(m.Header()))
	return one
}

// joinRaw passes messages on in all directions there are, until ctx ends or one of them fails.
func joinRaw(ctx context.Context, a, b *rawSide, join joiner) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	for _, way := range [][2]*rawSide{{a, b}, {b, a}} {
		go func() {
			err := forward(ctx, ctx, way[0], way[1], join)
			if !noWay(err) {
				cancel()
			}
			ended <- err
		}()
	}
	var err error
	for range cap(ended) {
		if e := <-ended; !noWay(e) && (err == nil || errors.Is(err, context.Canceled)) {
			err = e
		}
	}
	return err
}

// noWay reports whether forwarding ended because the pattern has no messages in that direction.
func noWay(err error) bool { return errors.Is(err, errors.ErrUnsupported) }

// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"math/rand/v2"
	"time"
)

// MessageFaults are the faults of one direction of a stream of messages, for tests.
type MessageFaults struct {
	Delay   time.Duration // of every message
	Loss    float64       // the part of messages that is lost, from 0 to 1
	Seed    uint64        // of the random choice of lost messages: the same seed loses the same ones
	StallAt int           // nothing moves any more after this number of messages, lost ones included; 0 means never
	CutAt   int           // after this number of messages the stream is closed and the direction fails with ErrCut; 0 means never
}

// FaultMessages attaches a layer that delays, loses and stalls messages, or cuts the stream.
func FaultMessages(below *Messages, receive, send MessageFaults) (*Messages, error) {
	return Filter(below, func(below *Messages) MessageConn {
		f := &messageFault{Messages: below, waits: newWaits()}
		f.receive.init(receive)
		f.send.init(send)
		return f
	})
}

type messageFault struct {
	*Messages
	receive, send faultyMessages
	waits
}

// faultyMessages is one direction.
type faultyMessages struct {
	MessageFaults
	random *rand.Rand
	moved  int
}

func (d *faultyMessages) init(f MessageFaults) {
	d.MessageFaults = f
	d.random = rand.New(rand.NewPCG(f.Seed, 0))
}

// next waits until the next message may move, and reports whether it is lost.
func (f *messageFault) next(ctx context.Context, d *faultyMessages) (lost bool, err error) {
	pause := d.Delay
	switch {
	case d.CutAt > 0 && d.moved >= d.CutAt:
		_ = f.Close()
		return false, ErrCut
	case d.StallAt > 0 && d.moved >= d.StallAt:
		pause = -1 // for ever
	}
	if err := f.wait(ctx, pause); err != nil {
		return false, err
	}
	d.moved++
	return d.Loss > 0 && d.random.Float64() < d.Loss, nil
}

func (f *messageFault) Receive(ctx context.Context) ([]byte, error) {
	for {
		lost, err := f.next(ctx, &f.receive)
		if err != nil {
			return nil, err
		}
		m, err := f.Messages.Receive(ctx)
		if err != nil {
			f.receive.moved--
			return nil, err
		}
		if !lost {
			return m, nil
		}
	}
}

func (f *messageFault) Send(ctx context.Context, messages ...[]byte) error {
	for _, m := range messages {
		lost, err := f.next(ctx, &f.send)
		if err == nil && !lost {
			err = f.Messages.Send(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *messageFault) Close() error {
	f.end()
	return f.Messages.Close()
}

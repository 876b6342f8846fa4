// SPDX-License-Identifier: MIT

package peers

import (
	"github.com/sprymq/spry/bench/internal/worker"
)

// spreadBytes is what is written to one of many connections at once.
const spreadBytes = 4 << 10

// A rawSpread sends message by message to many connections in turn.
type rawSpread struct {
	senders []*rawSender
	next    int
}

func newRawSpread(s worker.Settings) (worker.Sender, error) {
	conns, err := rawListenConns(anyPort)
	if err != nil {
		return nil, err
	}
	if _, err := worker.OpenSinks("tcp://"+conns.Addr().String(), "plain", s.Pipes); err != nil {
		return nil, err
	}
	all := &rawSpread{}
	for range s.Pipes {
		to := newRawSender(s.Size, true, <-conns.accepted)
		to.limit = spreadBytes
		all.senders = append(all.senders, to)
	}
	return all, nil
}

func (all *rawSpread) Send(n int) error {
	for range n {
		if err := all.senders[all.next].Send(1); err != nil {
			return err
		}
		all.next = (all.next + 1) % len(all.senders)
	}
	return nil
}

func (all *rawSpread) End() error {
	for _, to := range all.senders {
		if err := to.End(); err != nil {
			return err
		}
	}
	return nil
}

func (all *rawSpread) Close() error {
	for _, to := range all.senders {
		_ = to.Close()
	}
	return nil
}

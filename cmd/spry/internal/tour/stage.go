// SPDX-License-Identifier: MIT

package tour

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// steadyInterval is the time between messages while latency is measured: slow enough that no queue builds up.
const steadyInterval = 200 * time.Microsecond

// A stage is one leg of the tour while it runs: a socket that listens here, and mates that dial it.
type stage struct {
	url     string
	tls     *tls.Config // of the listener; nil without TLS
	trusted []byte      // PEM of its certificate
	mates   []*mate
	role    string        // of the mates
	steady  time.Duration // to measure latency for
	fast    time.Duration // to measure the rate for
	size    int           // of messages, in bytes
	tally
}

// gather makes the socket listen and the mates connect to it.
func (s *stage) gather(ctx context.Context, socket endpoint.Socket) error {
	listener, err := socket.ListenWith(ctx, &spry.ListenConfig{URL: s.url, TLS: s.tls})
	if err != nil {
		return err
	}
	for _, m := range s.mates {
		if err := m.run(job{Role: s.role, URL: listener.URL(), Trusted: s.trusted}); err != nil {
			return err
		}
	}
	for _, m := range s.mates {
		if err := m.ready(); err != nil {
			return err
		}
	}
	return socket.WaitPipes(ctx, len(s.mates))
}

// dismiss collects the mates' counters. The socket's own drops are added too.
func (s *stage) dismiss(socket endpoint.Socket) ([]*report, error) {
	var reports []*report
	for _, m := range s.mates {
		r, err := m.stop()
		if err != nil {
			return nil, err
		}
		s.addDrops(r.Drops)
		reports = append(reports, r)
	}
	for _, drop := range endpoint.Drops(socket) {
		s.addDrops(map[string]int64{string(drop.Reason): int64(drop.Count)})
	}
	return reports, nil
}

// stream sends as a one-way leg does: steadily with stamps, then as fast as send takes messages.
func (s *stage) stream(ctx context.Context, send func(context.Context, []byte) error) (sent, fastStart int64, err error) {
	body := make([]byte, s.size)
	pace := pacer{interval: steadyInterval}
	for end := now() + int64(s.steady); now() < end; sent++ {
		stamp(body, pace.wait())
		if err := send(ctx, body); err != nil {
			return sent, 0, err
		}
	}
	stamp(body, 0)
	fastStart = now()
	// The clock is read once in a while only, so as not to measure that.
	for end := fastStart + int64(s.fast); sent%64 != 0 || now() < end; sent++ {
		if err := send(ctx, body); err != nil {
			return sent, fastStart, err
		}
	}
	return sent, fastStart, nil
}

// finishStream settles a one-way leg: copies is how many of each message should arrive.
func (s *stage) finishStream(ctx context.Context, socket endpoint.Socket, sent, fastStart, copies int64) error {
	// Closed first: the mates know by the end of their connections that nothing more comes.
	if err := socket.Shutdown(ctx); err != nil {
		return err
	}
	reports, err := s.dismiss(socket)
	if err != nil {
		return err
	}
	s.expected = sent * copies
	for _, r := range reports {
		s.arrived += r.Received
		s.latency = append(s.latency, r.Latency...)
		s.tally.fast += r.Fast
		s.fastNS = max(s.fastNS, r.LastNS-fastStart)
	}
	return nil
}

// SPDX-License-Identifier: MIT

package transporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/sprymq/spry/transport"
)

func (s *suite) messagesHandshake(t *testing.T) {
	dialed, accepted := s.pair(t)
	dialed.messages(t)
	if got, want := accepted.peer.Protocol, dialerHello.Protocol; got != want {
		t.Errorf("the listening end learns that its peer speaks %#x; the dialing end said %#x", got, want)
	}
	if got, want := dialed.peer.Protocol, listenerHello.Protocol; got != want {
		t.Errorf("the dialing end learns that its peer speaks %#x; the listening end said %#x", got, want)
	}
	if got, want := accepted.chosen, listenerOffers[2]; got != want {
		t.Errorf("the listening end chooses %v; of its offers %v suits its peer", got, want)
	}
	if got, want := dialed.chosen, dialerOffers[0]; got != want {
		t.Errorf("the dialing end is told that %v was chosen; its only offer is %v", got, want)
	}
}

func (s *suite) messagesSizes(t *testing.T) {
	dialed, accepted := s.pair(t)
	limit := dialed.messages(t).Info().MaxMessage
	seed := 0
	for _, size := range []int{1, 0, 2, 125, 126, 127, 1000, 1472, 4096, 16 << 10, 65535, 64 << 10} {
		if limit > 0 && int64(size) > limit {
			t.Logf("no messages of %d bytes: the link's limit is %d", size, limit)
			continue
		}
		seed++
		deliver(t, dialed, accepted, pattern(seed, size))
		seed++
		deliver(t, accepted, dialed, pattern(seed, size))
	}
}

// messagesBatch writes batches of several packets, each with a header and a body, and reads them into
// batches of another size.
func (s *suite) messagesBatch(t *testing.T) {
	dialed, accepted := s.pair(t)
	properties := dialed.messages(t).Info()
	if !properties.Reliable {
		t.Skip("not promised: the link is unreliable, so a part of a batch may be lost")
	}
	for _, ends := range []struct{ from, to *end }{{dialed, accepted}, {accepted, dialed}} {
		batch(t, ends.from.messages(t), ends.to.messages(t), properties.Ordered)
	}
}

func batch(t *testing.T, from, to transport.Messages, ordered bool) {
	t.Helper()
	const count, perWrite, perRead = 1000, 32, 7
	message := func(i int) []byte { return fmt.Appendf(nil, "%04d|%s", i, pattern(i, i%50)) }
	written := make(chan error, 1)
	go func() { written <- writeBatches(from, count, perWrite, message) }()
	within(t, "batches", func() error {
		if err := readBatches(to, count, perRead, message, ordered); err != nil {
			_ = to.Close() // or the writer would wait for a reader
			return err
		}
		return <-written
	})
}

// readBatches reads the messages that writeBatches writes.
func readBatches(from transport.Messages, count, perRead int, message func(i int) []byte, ordered bool) error {
	missing := make(map[string]bool, count)
	for i := range count {
		missing[string(message(i))] = true
	}
	dst := make([][]byte, perRead)
	for got := 0; got < count; {
		n, err := readMessages(from, dst)
		for _, m := range dst[:n] {
			if ordered && !bytes.Equal(m, message(got)) {
				return fmt.Errorf("message %d is %q; %q was written", got, m, message(got))
			}
			if !missing[string(m)] {
				return fmt.Errorf("%q arrives, which was not written or has arrived before", m)
			}
			delete(missing, string(m))
			got++
		}
		if err != nil && got < count {
			return fmt.Errorf("after %d of %d messages: %w", got, count, err)
		}
	}
	return nil
}

// writeBatches writes the messages and overwrites every packet afterwards, which WriteMessages must not
// mind.
func writeBatches(to transport.Messages, count, perWrite int, message func(i int) []byte) error {
	for i := 0; i < count; {
		var ps []transport.Packet
		for j := i; j < min(i+perWrite, count); j++ {
			m := message(j)
			head := j % (len(m) + 1) // a header of any size, none and all of it included
			ps = append(ps, transport.Packet{Header: m[:head:head], Body: m[head:]})
		}
		n, err := to.WriteMessages(ps)
		if err != nil {
			return fmt.Errorf("after %d messages: %w", i+n, err)
		}
		if n < 1 || n > len(ps) {
			return fmt.Errorf("WriteMessages of %d returns %d without an error", len(ps), n)
		}
		for _, p := range ps[:n] {
			clear(p.Header)
			clear(p.Body)
		}
		i += n
	}
	return nil
}

func (s *suite) messagesHalfClose(t *testing.T) {
	dialed, accepted := s.pair(t)
	a, b := dialed.messages(t), accepted.messages(t)
	if !a.Info().Reliable {
		t.Skip("not promised: with an unreliable link the end may be lost")
	}
	deliver(t, dialed, accepted, []byte("first"))
	if err := dialed.put([]byte("last")); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Fatalf("CloseWrite: %v", err)
	}
	within(t, "the end of a message link", func() error {
		p, err := accepted.take(4)
		if err != nil {
			return fmt.Errorf("the message before CloseWrite: %w", err)
		}
		if string(p) != "last" {
			return fmt.Errorf("the message before CloseWrite arrives as %q", p)
		}
		if n, err := readMessages(b, make([][]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			return expected("no message and io.EOF after the peer's CloseWrite", err)
		}
		return nil
	})
	deliver(t, accepted, dialed, []byte("reading goes on"))
}

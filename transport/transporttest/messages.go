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
}

func (s *suite) messagesSizes(t *testing.T) {
	dialed, accepted := s.pair(t)
	limit := dialed.messages(t).Properties().MaxMessage
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
	properties := dialed.messages(t).Properties()
	if !properties.Reliable {
		t.Skip("not promised: the link is unreliable, so a part of a batch may be lost")
	}
	for _, ends := range []struct{ from, to *end }{{dialed, accepted}, {accepted, dialed}} {
		s.batch(t, ends.from.messages(t), ends.to.messages(t), properties.Ordered)
	}
}

func (s *suite) batch(t *testing.T, from, to transport.Messages, ordered bool) {
	t.Helper()
	const count, perWrite, perRead = 1000, 32, 7
	message := func(i int) []byte { return fmt.Appendf(nil, "%04d|%s", i, pattern(i, i%50)) }
	written := make(chan error, 1)
	go func() { written <- writeBatches(from, count, perWrite, message) }()
	within(t, "reading batches", func() {
		seen := make(map[string]bool, count)
		dst := make([][]byte, perRead)
		for got := 0; got < count; {
			n, err := to.ReadMessages(dst)
			if n < 0 || n > perRead || n == 0 && err == nil {
				t.Errorf("ReadMessages of %d returns %d, %v", perRead, n, err)
				return
			}
			for _, m := range dst[:n] {
				if ordered && !bytes.Equal(m, message(got)) {
					t.Errorf("message %d is %q; %q was written", got, m, message(got))
					return
				}
				seen[string(m)] = true
				got++
			}
			if err != nil && got < count {
				t.Errorf("after %d of %d messages: %v", got, count, err)
				return
			}
		}
		for i := range count {
			if !seen[string(message(i))] {
				t.Errorf("message %d has not arrived as it was written", i)
				return
			}
		}
	})
	within(t, "writing batches", func() {
		if err := <-written; err != nil {
			t.Error(err)
		}
	})
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
	if !a.Properties().Reliable {
		t.Skip("not promised: with an unreliable link the end may be lost")
	}
	deliver(t, dialed, accepted, []byte("first"))
	if err := dialed.put([]byte("last")); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Fatalf("CloseWrite: %v", err)
	}
	within(t, "the end of a message link", func() {
		if p, err := accepted.take(4); err != nil || string(p) != "last" {
			t.Errorf("the message before CloseWrite arrives as %q, %v", p, err)
		}
		if n, err := b.ReadMessages(make([][]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("after the peer's CloseWrite ReadMessages returns %d, %v; 0, io.EOF is expected", n, err)
		}
	})
	deliver(t, accepted, dialed, []byte("reading goes on"))
}

// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/buf"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire/sp"
)

// Whoever is refused for want of room, in whatever way it asks, is told when there is some.
func TestEveryRefusedSenderLearnsOfRoom(t *testing.T) {
	leak.Check(t)
	for name, refused := range map[string]func(p *Pipe) bool{
		"TryQueue": func(p *Pipe) bool { return !trySend(p, []byte("x")) },
		"Room":     func(p *Pipe) bool { return !hasRoom(p, 1) },
		"TryQueueBatch": func(p *Pipe) bool {
			n, _, _ := p.TryQueueBatch(nil, nil, []*msg.Message{msg.New(1)})
			return n == 0
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, r, p, open := stuckPipe(t, Options{SendQueue: 2}, Traits{})
			defer s.Close()
			trySend(p, []byte("written"))
			trySend(p, []byte("waits"))
			if !refused(p) {
				t.Errorf("%s: a full queue has room", name)
			}
			open()
			synctest.Wait()
			if r.writable != 1 {
				t.Errorf("%s: told %d times that there is room, want once", name, r.writable)
			}
		})
	}
}

// A sender that has not asked the pattern queues a message only where the pattern allows it, and only one that the link carries.
func TestQueueingDirectlyRefuses(t *testing.T) {
	leak.Check(t)
	s, e := testSocket(Options{}, &recorder{})
	defer s.Close()
	p, _ := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Push, 0))
	p.limit, p.picky = 10, true
	if queued, _ := p.TryQueue(true, nil, make([]byte, 10), nil); queued {
		t.Error("a message was queued that the pattern has to be asked for")
	}
	p.SetDirect(true)
	if queued, _ := p.TryQueue(true, nil, make([]byte, 11), nil); queued {
		t.Error("a message was queued that is too large for the link")
	}
	queued, w := p.TryQueue(true, nil, make([]byte, 10), nil)
	if !queued || w.IsZero() {
		t.Fatalf("a message that fits: queued %v, to be written %v", queued, w)
	}
	w.Write()
}

// Offer drops a message that the link cannot carry, and says so: it is no overflow.
func TestOfferOfTooLargeMessages(t *testing.T) {
	leak.Check(t)
	for _, policy := range []Overflow{DropOldest, DropNewest, Block, Disconnect, Conflate} {
		s, e := testSocket(Options{}, &recorder{})
		p, _ := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Pub, 0))
		p.limit, p.text, p.picky = 10, true, true
		w, overflowed := p.Offer(nil, make([]byte, 11), nil, nil, policy)
		w.Write()
		if st := p.Stats().Send; !w.IsZero() || overflowed || st.Offered != 1 || st.Dropped["too_large"] != 1 {
			t.Errorf("policy %d: to be written %v, overflowed %v, figures %+v", policy, w, overflowed, st)
		}
		p.Offer(nil, []byte("\xff"), nil, nil, policy)
		if st := p.Stats().Send; st.Offered != 2 || st.Dropped["not_text"] != 1 {
			t.Errorf("policy %d: figures %+v after a message that is not text", policy, st)
		}
		_ = s.Close()
	}
}

// heldPipe is an attached pipe that is not released yet, whose link counts what is written.
func heldPipe(t *testing.T, traits Traits) (s *Socket, r *recorder, p *Pipe, written *int) {
	r = &recorder{traits: traits}
	s, e := testSocket(Options{}, r)
	written = new(int)
	conn := &fakeConn{onWrite: func(b []byte) (int, error) { *written += len(b); return len(b), nil }}
	session := streamSession(t, sp.Push, 0)
	p = e.newPipe(streamLink(conn), session)
	p.carryStream(streamLink(conn), buf.NewChunk(buf.MinChunk), 0, 0)
	if err := s.attach(p); err != nil {
		t.Fatal(err)
	}
	return s, r, p, written
}

// What is queued while a pipe is being attached is written when that is done, and not before.
func TestNothingIsWrittenBeforeThePipeIsReleased(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		s, _, p, written := heldPipe(t, Traits{})
		defer s.Close()
		if !trySend(p, []byte("early")) {
			t.Fatal("no room")
		}
		synctest.Wait()
		if *written != 0 {
			t.Errorf("%d bytes were written before the pipe was released", *written)
		}
		p.release()
		synctest.Wait()
		if *written == 0 {
			t.Error("nothing was written when the pipe was released")
		}
	})
}

// The messages that a pipe leaves go back to the pattern that wants them, and are not lost then. A Flush that waits for them
// ends.
func TestEndOfAPipeWithMessages(t *testing.T) {
	leak.Check(t)
	for _, keep := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s, r, p, _ := heldPipe(t, Traits{ReturnsUnsent: keep})
			defer s.Close()
			const messages = 3
			for range messages {
				trySend(p, []byte("left"))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			flushed := make(chan error, 1)
			go func() { flushed <- p.out.flush(ctx) }()
			synctest.Wait()
			p.end(io.EOF)
			if err := <-flushed; err != nil {
				t.Error(err)
			}
			lost, returned := uint64(messages), 0
			if keep {
				lost, returned = 0, messages
			}
			st := p.Stats().Send
			if st.Dropped["pipe_closed"] != lost || int(st.Returned) != returned || len(r.returned) != returned || st.Queued != 0 {
				t.Errorf("returned %v: %d messages came back, figures %+v", keep, len(r.returned), st)
			}
		})
	}
}

// When a link takes nothing more, what the peer has sent before is still received.
func TestLastWordsOfAPeer(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		s, e := testSocket(Options{}, r)
		defer s.Close()
		words := sp.FramingLength.AppendFrame(nil, nil, []byte("last words"))
		arrived := make(chan struct{})
		broken := errors.New("the link is broken")
		p, _ := streamPipe(t, e, &fakeConn{
			onWrite: func([]byte) (int, error) { return 0, broken },
			onRead: func(b []byte) (int, error) {
				<-arrived
				if len(words) == 0 {
					return 0, io.EOF
				}
				n := copy(b, words)
				words = words[n:]
				return n, nil
			},
		}, streamSession(t, sp.Pair0, 0))
		if err := e.scope.Go(p.run); err != nil {
			t.Fatal(err)
		}
		trySend(p, []byte("to nobody"))
		synctest.Wait()
		if !p.Over() || p.Err() != nil {
			t.Errorf("after a write that failed: takes no more messages %v, ended with %v", p.Over(), p.Err())
		}
		close(arrived)
		<-p.Done()
		if !slices.Equal(r.bodies, []string{"last words"}) || !errors.Is(p.Err(), broken) {
			t.Errorf("received %q, ended with %v", r.bodies, p.Err())
		}
	})
}

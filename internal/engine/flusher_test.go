// SPDX-License-Identifier: MIT

package engine

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/wire/sp"
)

// One peer that takes nothing delays no other, and what was offered to the others arrives whole and in order.
func TestFlusherPassesAStalledPeer(t *testing.T) {
	const messages, peers = 2000, 4
	s, e := testSocket(Options{}, &recorder{})
	f := NewFlusher(s)
	pipes := make([]*Pipe, peers)
	arrived := make([]chan byte, peers)
	stall := make(chan struct{})
	for i := range pipes {
		arrived[i] = make(chan byte, messages)
		pipes[i], _ = streamPipe(t, e, &fakeConn{onWrite: func(b []byte) (int, error) {
			if i == 0 {
				<-stall
				return 0, net.ErrClosed
			}
			for at := 8; at < len(b); at += 9 {
				arrived[i] <- b[at]
			}
			return len(b), nil
		}}, streamSession(t, sp.Pub, 0))
	}
	for k := range messages {
		var writes []PendingWrite
		for _, p := range pipes {
			if w, _ := p.Offer(nil, []byte{byte(k)}, nil, nil, DropOldest); !w.IsZero() {
				writes = append(writes, w)
			}
		}
		f.Add(writes).Write()
	}
	for i, p := range pipes[1:] {
		for k := range messages {
			if got := <-arrived[i+1]; got != byte(k) {
				t.Fatalf("peer %d: message %d came as number %d", i+1, got, byte(k))
			}
		}
		if err := p.out.flush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if st := pipes[0].Stats().Send; st.Sent != 0 || st.Queued != messages {
		t.Errorf("the stalled peer's figures: %+v", st)
	}
	pipes[0].end(ErrClosed)
	close(stall)
	for _, p := range pipes {
		p.end(ErrClosed)
		<-p.Done()
	}
	_ = s.Close() // which joins the flusher
	if f.running || len(f.dirty) != 0 {
		t.Error("the flusher is at work though there is nothing to write")
	}
}

// A flusher of a socket that is closing still gives every role back, so that the pipes can end.
func TestFlusherOfAClosedSocket(t *testing.T) {
	s, e := testSocket(Options{}, &recorder{})
	f := NewFlusher(s)
	p, _ := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Pub, 0))
	w, _ := p.Offer(nil, []byte("x"), nil, nil, DropOldest)
	if w.IsZero() {
		t.Fatal("no writer's role")
	}
	s.scope.Cancel(ErrClosed)
	f.Add([]PendingWrite{w}).Write()
	p.end(ErrClosed)
	<-p.Done()
	if st := p.Stats().Send; st.Offered != 1 || st.Sent+st.Dropped["pipe_closed"] != 1 {
		t.Errorf("figures %+v", st)
	}
	_ = s.Close()
}

// What a flusher cannot write without waiting is written by the pipe's own writer.
func TestFlusherLeavesTheRestToTheWriter(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		s, e := testSocket(Options{}, &recorder{})
		f := NewFlusher(s)
		p, _ := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Pub, 0))
		w, _ := p.Offer(nil, []byte("x"), nil, nil, DropOldest)
		if w = f.Add([]PendingWrite{w}); w.IsZero() {
			t.Fatal("the flusher does not start")
		}
		w.Write()
		synctest.Wait()
		if st := p.Stats().Send; st.Sent != 1 {
			t.Errorf("figures %+v", st)
			p.giveUpRole() // so that the pipe can end
		}
		_ = s.Close()
	})
}

// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// A poorListener is out of file descriptors for a while.
type poorListener struct {
	until    time.Time
	mu       sync.Mutex
	accepted []time.Time // when Accept was called
	link     transport.Link
	once     sync.Once
	closed   chan struct{}
}

var errTooMany = errors.New("too many open files")

func (l *poorListener) Accept() (transport.Link, error) {
	l.mu.Lock()
	l.accepted = append(l.accepted, time.Now())
	calls := len(l.accepted)
	l.mu.Unlock()
	if calls > 1000 { // whoever asks so often would never let time pass
		<-l.closed
		return nil, net.ErrClosed
	}
	if time.Now().Before(l.until) {
		return nil, errTooMany
	}
	if link := l.link; link != nil {
		l.link = nil
		return link, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

// calls is when Accept was called, so far.
func (l *poorListener) calls() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.accepted)
}

func (l *poorListener) Addr() net.Addr { return inprocAddr("poor") }
func (l *poorListener) URL() string    { return "poor://" }
func (l *poorListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }

// A listener that cannot accept tries again after pauses that grow to a second, says so each time, and accepts when it can.
func TestListenerOutlivesErrorsOfAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{traits: Traits{Hello: lookupHello(sp.Pull)}}
		s := NewSocket(Options{Dialects: dialectSP}, func(*Socket, Options) Pattern { return r })
		defer s.Close()
		events := s.Events(t.Context())
		near, far := net.Pipe()
		defer far.Close()
		l := &poorListener{until: time.Now().Add(10 * time.Second), link: streamLink(near), closed: make(chan struct{})}
		began := time.Now()
		e, err := s.ListenOn(l, EndpointConfig{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := len(l.calls()); n > 100 {
			t.Fatalf("Accept was called %d times in 5 s", n)
		}
		if !errors.Is(e.Err(), errTooMany) {
			t.Errorf("the endpoint says %v", e.Err())
		}
		if _, err := far.Write(sp.AppendHeader(nil, sp.Push)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(far, make([]byte, sp.HeaderLen)); err != nil {
			t.Fatal(err)
		}
		if err := s.WaitPipes(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		late := time.Since(began) - 10*time.Second
		if late < 0 || late > maxAcceptPause {
			t.Errorf("a connection is there %v after the listener can accept again", late)
		}
		const most = 20 // 7 pauses up to a second, then one a second
		accepted := l.calls()
		if n := len(accepted); n < 10 || n > most {
			t.Errorf("Accept was called %d times in 10 s", n)
		}
		want := minAcceptPause
		for i := range 6 {
			if got := accepted[i+1].Sub(accepted[i]); got != want {
				t.Errorf("pause %d is %v, want %v", i, got, want)
			}
			want *= 2
		}
		if e.Err() != nil {
			t.Errorf("the endpoint works, and says %v", e.Err())
		}
		checkAcceptEvents(t, s, events, len(l.accepted))
	})
}

// checkAcceptEvents closes the socket, and demands an event with a pause for each call of Accept that failed.
func checkAcceptEvents(t *testing.T, s *Socket, events func(func(Event) bool), calls int) {
	t.Helper()
	_ = s.Close()
	failed := 0
	for e := range events {
		if e.Kind != EventAcceptFailed {
			continue
		}
		failed++
		if !errors.Is(e.Err, errTooMany) || e.Wait <= 0 {
			t.Errorf("%+v", e)
		}
	}
	if failed == 0 || failed > calls || failed < calls-2 {
		t.Errorf("%d events tell of %d calls of Accept", failed, calls)
	}
}

// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/wire/sp"
)

// A led socket has one pipe, to a peer that the test plays, and an inbox that is received from.
type led struct {
	*recorder
	inbox *queue.Inbox
	pipe  *Pipe
	peer  net.Conn
	ended chan error // the reader's
}

func newLed(t *testing.T, o Options) *led {
	t.Helper()
	l := &led{recorder: &recorder{}, inbox: queue.NewInbox(o.RecvLimits(), queue.Wait), ended: make(chan error, 1)}
	s := NewSocket(o, func(*Socket, Options) Pattern { return l })
	e := s.newEndpoint(false, "test://", EndpointConfig{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if l.peer, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var c *streamCarrier
	l.pipe, c = streamPipe(t, e, conn, streamSession(t, sp.Pull, 0))
	go func() { l.ended <- c.read() }()
	t.Cleanup(func() {
		l.pipe.end(ErrClosed)
		_ = l.peer.Close()
		l.inbox.Close(ErrClosed)
	})
	return l
}

func (l *led) Attach(p *Pipe) error {
	p.State = p.NewSource(l.inbox)
	l.inbox.AddLeader(p)
	return l.recorder.Attach(p)
}

func (l *led) Receive(p *Pipe, run []msg.Message) int { return p.State.(*queue.Source).Put(run) }

// send has the peer write messages, with one system call.
func (l *led) send(t *testing.T, bodies ...string) {
	t.Helper()
	var frames []byte
	for _, b := range bodies {
		frames = sp.FramingLength.AppendFrame(frames, nil, []byte(b))
	}
	if _, err := l.peer.Write(frames); err != nil {
		t.Fatal(err)
	}
}

// until lets others run until something holds.
func (l *led) until(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		if t.Context().Err() != nil {
			t.Fatal("the test has run out of time")
		}
		runtime.Gosched()
	}
}

// waitFor waits until somebody has the reader's role, and a leader reads.
func (l *led) waitFor(t *testing.T, state int32) {
	t.Helper()
	l.until(t, func() bool {
		g := l.reading()
		return g.state.Load() == state && (state != readLeader || g.leader.Load() == leaderReads)
	})
}

// pingPong receives messages one by one until the receiver reads them by itself.
func (l *led) pingPong(t *testing.T) {
	t.Helper()
	for leads := false; !leads; {
		got := make(chan string)
		go func() {
			m, err := l.inbox.Recv(t.Context())
			if err != nil {
				got <- err.Error()
				return
			}
			got <- string(m.Body())
		}()
		l.until(t, l.waiting)
		leads = l.reading().state.Load() == readLeader
		l.send(t, "ping")
		if m := <-got; m != "ping" {
			t.Fatalf("received %q", m)
		}
	}
}

// waiting reports whether somebody waits for a message: in line, or reading.
func (l *led) waiting() bool {
	return l.reading().leader.Load() == leaderReads || l.pipe.wanted.Load()
}

// reading is the reader's role, of which nobody has heard yet if nobody has led.
func (l *led) reading() *reading {
	if r := l.pipe.reader.Load(); r != nil {
		return r.reading
	}
	return new(reading)
}

// Who waits for messages reads them by itself, and is woken by whatever else there is to wake it: the end of its context,
// another source, a message that comes while it begins to wait, the end of the connection and of the socket.
func TestLeaderIsWoken(t *testing.T) {
	for name, wake := range map[string]func(t *testing.T, l *led, cancel func()) (want string){
		"its message":       func(t *testing.T, l *led, _ func()) string { l.send(t, "hello"); return "hello" },
		"its context":       func(_ *testing.T, _ *led, cancel func()) string { cancel(); return context.Canceled.Error() },
		"the inbox's close": func(_ *testing.T, l *led, _ func()) string { l.inbox.Close(ErrClosed); return ErrClosed.Error() },
		"another source": func(_ *testing.T, l *led, _ func()) string {
			run := []msg.Message{msg.Of([]byte("elsewhere"))}
			l.inbox.NewSource(nil).Put(run)
			return "elsewhere"
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLed(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
			for range 20 {
				l.pingPong(t)
				ctx, cancel := context.WithCancel(t.Context())
				got := make(chan string, 1)
				go func() {
					m, err := l.inbox.Recv(ctx)
					if err != nil {
						got <- err.Error()
						return
					}
					got <- string(m.Body())
				}()
				l.waitFor(t, readLeader)
				want := wake(t, l, cancel)
				if m := <-got; m != want {
					t.Fatalf("received %q, want %q", m, want)
				}
				cancel()
				if name == "the inbox's close" {
					break
				}
			}
			if err := l.pipe.Err(); err != nil {
				t.Errorf("the pipe has ended: %v", err)
			}
		})
	}
}

// The end of the connection, met by a leader, ends the pipe, and the resident after a while notices it if nobody leads.
func TestLeaderMeetsTheEnd(t *testing.T) {
	for _, leads := range []bool{true, false} {
		l := newLed(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
		l.pingPong(t)
		ctx, cancel := context.WithCancel(t.Context())
		received := make(chan error, 1)
		if leads {
			go func() {
				_, err := l.inbox.Recv(ctx)
				received <- err
			}()
			l.waitFor(t, readLeader)
		}
		_ = l.peer.Close()
		if err := <-l.ended; !errors.Is(err, io.EOF) {
			t.Errorf("with a leader %v the reader ended with %v", leads, err)
		}
		cancel()
		if leads {
			if err := <-received; !errors.Is(err, context.Canceled) {
				t.Errorf("the receiver, who waits for other connections, got %v", err)
			}
		}
	}
}

// A leader that finds no room leaves the rest to the resident, in order.
func TestLeaderFindsNoRoom(t *testing.T) {
	l := newLed(t, Options{RecvQueue: 2, RecvQueueBytes: 1 << 20})
	for range 20 {
		l.pingPong(t)
		got := make(chan byte)
		go func() {
			for range 10 {
				m, err := l.inbox.Recv(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				got <- m.Body()[0]
			}
		}()
		l.waitFor(t, readLeader)
		l.send(t, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
		for want := byte('0'); want <= '9'; want++ {
			if b := <-got; b != want {
				t.Fatalf("message %c came, want %c", b, want)
			}
		}
	}
}

// A second pipe sends the leader of the first away.
func TestSecondPipeEndsLeading(t *testing.T) {
	l := newLed(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
	for range 20 {
		l.pingPong(t)
		got := make(chan string)
		go func() {
			m, err := l.inbox.Recv(t.Context())
			if err != nil {
				got <- err.Error()
				return
			}
			got <- string(m.Body())
		}()
		l.waitFor(t, readLeader)
		other := &Pipe{}
		l.inbox.AddLeader(other)
		l.waitFor(t, readResident)
		l.send(t, "read by the resident")
		if m := <-got; m != "read by the resident" {
			t.Fatalf("received %q", m)
		}
		l.inbox.RemoveLeader(other)
	}
}

// Receivers come and go with contexts that end at any moment, while messages come, one by one or many together. None is
// lost, none comes twice or out of order, and the connection lives.
func TestLeadersUnderStress(t *testing.T) {
	l := newLed(t, Options{RecvQueue: 16, RecvQueueBytes: 1 << 20})
	const messages, receivers = 4000, 3
	var next atomic.Int64
	var receiving sync.WaitGroup
	done, stop := context.WithCancel(t.Context())
	defer stop()
	current := make(chan context.CancelFunc, receivers)
	for range receivers {
		receiving.Go(func() {
			for done.Err() == nil {
				ctx, cancel := context.WithCancel(done)
				select {
				case current <- cancel:
				default:
				}
				if _, err := l.inbox.Recv(ctx); err == nil && next.Add(1) == messages {
					stop()
				}
				cancel()
			}
		})
	}
	receiving.Go(func() {
		for done.Err() == nil {
			select {
			case cancel := <-current:
				cancel()
			case <-done.Done():
			}
		}
	})
	for sent := 0; sent < messages; {
		burst := make([]string, min(1+sent%5, messages-sent))
		for i := range burst {
			burst[i] = "x"
		}
		l.send(t, burst...)
		sent += len(burst)
	}
	receiving.Wait()
	if n := next.Load(); n != messages {
		t.Errorf("%d messages came, want %d", n, messages)
	}
	if err := l.pipe.Err(); err != nil {
		t.Errorf("the pipe has ended: %v", err)
	}
}

// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// A directSocket has one pipe, to a peer that the test plays, and an inbox to receive from.
type directSocket struct {
	*recorder
	inbox *queue.Inbox
	pipe  *Pipe
	peer  net.Conn
	ended chan error      // of the reader goroutine
	runs  [2]atomic.Int64 // that were delivered by the reader goroutine, and by receivers
	turns atomic.Int64    // of runs by the reader goroutine that followed one by a receiver
	own   atomic.Bool     // the last run was delivered by a receiver
}

func newDirectSocket(t *testing.T, o Options) *directSocket {
	t.Helper()
	l := &directSocket{recorder: &recorder{}, inbox: queue.NewInbox(o.RecvLimits(), queue.Wait), ended: make(chan error, 1)}
	s := NewSocket(o, func(*Socket, Options) Pattern { return l })
	e, err := s.newEndpoint(false, transport.URL{}, "test://", EndpointConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var conn net.Conn
	conn, l.peer = tcpPair(t)
	var c *streamCarrier
	l.pipe, c = streamPipe(t, e, conn, streamSession(t, sp.Pull, o.MaxMessageSize))
	go func() { l.ended <- c.read() }()
	t.Cleanup(func() {
		l.pipe.end(ErrClosed)
		_ = l.peer.Close()
		l.inbox.Close(ErrClosed)
	})
	return l
}

func (l *directSocket) Attach(p *Pipe) error {
	p.SetState(p.NewSource(l.inbox))
	l.inbox.AddReadable(p.Reader())
	return l.recorder.Attach(p)
}

func (l *directSocket) Receive(p *Pipe, run []msg.Message) int {
	if p.reads.state.Load() == roleGoroutine {
		l.runs[0].Add(1)
		if l.own.Swap(false) {
			l.turns.Add(1)
		}
	} else {
		l.runs[1].Add(1)
		l.own.Store(true)
	}
	return p.State().(*queue.Source).Put(run)
}

// send has the peer write messages, with one system call.
func (l *directSocket) send(t *testing.T, bodies ...string) {
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
func (l *directSocket) until(t *testing.T, holds func() bool) {
	t.Helper()
	for !holds() {
		if t.Context().Err() != nil {
			t.Fatal("the test has run out of time")
		}
		runtime.Gosched()
	}
}

// receive receives a message, or an error, in the background.
func (l *directSocket) receive(ctx context.Context) <-chan string {
	got := make(chan string, 1)
	go func() {
		m, err := l.inbox.Recv(ctx)
		if err != nil {
			got <- err.Error()
			return
		}
		got <- string(m.Body())
	}()
	return got
}

// readDirectly receives messages one by one until a receiver reads the connection itself, and returns what that will receive.
func (l *directSocket) readDirectly(ctx context.Context, t *testing.T) <-chan string {
	t.Helper()
	for {
		got := l.receive(ctx)
		if l.until(t, l.waiting); l.pipe.reads.state.Load() == roleReading {
			return got
		}
		l.send(t, "ping")
		if m := <-got; m != "ping" {
			t.Fatalf("received %q", m)
		}
	}
}

// pingPong has a direct read receive a message, and nobody waits.
func (l *directSocket) pingPong(t *testing.T) {
	t.Helper()
	got := l.readDirectly(t.Context(), t)
	l.send(t, "pong")
	if m := <-got; m != "pong" {
		t.Fatalf("received %q", m)
	}
}

// waiting reports whether a receiver waits for a message: in line, or reading.
func (l *directSocket) waiting() bool {
	return l.pipe.reads.state.Load() == roleReading || l.pipe.reads.wanted.Load()
}

// A receiver that reads is woken by its message, and by whatever else wakes receivers: the end of its context, another source,
// the end of the socket.
func TestDirectReadIsWoken(t *testing.T) {
	for name, wake := range map[string]func(t *testing.T, l *directSocket, cancel func()) (want string){
		"its message": func(t *testing.T, l *directSocket, _ func()) string { l.send(t, "hello"); return "hello" },
		"its context": func(_ *testing.T, _ *directSocket, cancel func()) string { cancel(); return context.Canceled.Error() },
		"the inbox's close": func(_ *testing.T, l *directSocket, _ func()) string {
			l.inbox.Close(ErrClosed)
			return ErrClosed.Error()
		},
		"another source": func(_ *testing.T, l *directSocket, _ func()) string {
			run := []msg.Message{msg.Of([]byte("elsewhere"))}
			l.inbox.NewSource(nil).Put(run)
			return "elsewhere"
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newDirectSocket(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
			for range 20 {
				ctx, cancel := context.WithCancel(t.Context())
				got := l.readDirectly(ctx, t)
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

// The end of the connection ends the pipe: at once during a direct read, else when the reader goroutine has the role again.
func TestDirectReadMeetsTheEnd(t *testing.T) {
	for _, direct := range []bool{true, false} {
		l := newDirectSocket(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
		ctx, cancel := context.WithCancel(t.Context())
		var got <-chan string
		if direct {
			got = l.readDirectly(ctx, t)
		} else {
			l.pingPong(t)
		}
		_ = l.peer.Close()
		if err := <-l.ended; !errors.Is(err, io.EOF) {
			t.Errorf("direct read %v: the reader ended with %v", direct, err)
		}
		cancel()
		if direct {
			if m := <-got; m != context.Canceled.Error() {
				t.Errorf("the receiver, which waits for other connections, got %q", m)
			}
		}
	}
}

// What a direct read finds no room for is delivered by the reader goroutine, in order.
func TestDirectReadFindsNoRoom(t *testing.T) {
	l := newDirectSocket(t, Options{RecvQueue: 2, RecvQueueBytes: 1 << 20})
	for range 20 {
		got := l.readDirectly(t.Context(), t)
		all := strings.Split("0123456789", "")
		l.send(t, all...)
		for _, want := range all {
			if m := <-got; m != want {
				t.Fatalf("received %q, want %q", m, want)
			}
			if want != "9" {
				got = l.receive(t.Context())
			}
		}
	}
}

// On several processors, a receiver reads a flow by itself: no goroutine is woken for each read, however small the queue is.
// The reader goroutine takes its turn where the receiver did not run for a while, and then may read for long. Even on a busy machine,
// this is rare among many reads.
func TestFlowWakesNoReader(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	const attempts = 5 // in one of which a busy machine lets the receiver run
	for _, limit := range []int{1 << 14, 100} {
		alone := false
		for range attempts {
			if alone = flowToReceiver(t, limit); alone {
				break
			}
		}
		if !alone {
			t.Error("the reader goroutine delivered too many")
		}
	}
}

// flowToReceiver reports whether a receiver of a flow reads nearly all of it by itself.
func flowToReceiver(t *testing.T, limit int) bool {
	t.Helper()
	l := newDirectSocket(t, Options{RecvQueue: limit, RecvQueueBytes: 4 << 20})
	l.pingPong(t)
	const messages, atOnce, size = 100_000, 100, 1 << 10 // a read brings few enough for a slow machine's receiver
	go func() {
		var frames []byte
		for range atOnce {
			frames = sp.FramingLength.AppendFrame(frames, nil, make([]byte, size))
		}
		for range messages / atOnce {
			_, _ = l.peer.Write(frames)
		}
	}()
	l.runs[0].Store(0)
	l.runs[1].Store(0)
	l.turns.Store(0)
	for range messages {
		m, err := l.inbox.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m.Release()
	}
	other, own, turns := l.runs[0].Load(), l.runs[1].Load(), l.turns.Load()
	t.Logf("queue of %d: the reader goroutine delivered %d runs in %d turns, the receiver %d", limit, other, turns, own)
	if turns > (other+own)/8 {
		t.Error("the reader goroutine was woken too often")
	}
	return other <= own/2
}

// A receiver that reads message after message sets no alarm for each: one that is set serves for unusedAfter.
func TestDirectReadsSetNoAlarm(t *testing.T) {
	l := newDirectSocket(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
	start := time.Now()
	l.pingPong(t)
	const trips = 2000
	for range trips {
		l.pingPong(t)
	}
	alarms := l.pipe.reads.alarms.Load()
	t.Logf("%d messages, %d alarms", trips, alarms)
	// A trip of a slow machine may itself take longer: then the role returns to the reader goroutine, and is yielded again.
	if most := 4 + 2*int64(time.Since(start)/unusedAfter); alarms > most {
		t.Errorf("%d alarms, want %d at most", alarms, most)
	}
}

// A second pipe ends direct reads of the first.
func TestSecondPipeEndsDirectReads(t *testing.T) {
	l := newDirectSocket(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
	for range 20 {
		got := l.readDirectly(t.Context(), t)
		other := &Pipe{}
		l.inbox.AddReadable(other.Reader())
		l.until(t, func() bool { return l.pipe.reads.state.Load() == roleGoroutine })
		l.send(t, "read by the goroutine")
		if m := <-got; m != "read by the goroutine" {
			t.Fatalf("received %q", m)
		}
		l.inbox.RemoveReadable(other.Reader())
	}
}

// A second pipe has the reader goroutine of the first read again, although nobody waits.
func TestSecondPipeWakesTheReader(t *testing.T) {
	l := newDirectSocket(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
	for range 20 {
		l.pingPong(t)
		other := &Pipe{}
		l.inbox.AddReadable(other.Reader())
		if state := l.pipe.reads.state.Load(); state != roleGoroutine {
			t.Fatalf("the reader's role is in state %d", state)
		}
		l.inbox.RemoveReadable(other.Reader())
	}
}

// Messages that a direct read found no room for are delivered, although the peer broke the protocol behind them.
func TestRefusedMessagesComeBeforeAnError(t *testing.T) {
	for n := range 4 { // in one of these, all of them are decoded at once
		l := newDirectSocket(t, Options{RecvQueue: 1, RecvQueueBytes: 1 << 20, MaxMessageSize: 100})
		for range n + 1 {
			l.pingPong(t)
		}
		got := l.readDirectly(t.Context(), t)
		l.send(t, "taken", "refused", strings.Repeat("too large", 100))
		if m := <-got; m != "taken" {
			t.Fatalf("received %q", m)
		}
		if err := <-l.ended; !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("the reader ended with %v", err)
		}
		if m, err := l.inbox.TryRecv(); m == nil || string(m.Body()) != "refused" {
			t.Errorf("the next message is %v: %v", m, err)
		}
	}
}

// An endedContext has ended since it was first asked, and panics when it is asked why.
type endedContext struct {
	context.Context
	asked bool
}

func (c *endedContext) Err() error {
	if c.asked {
		panic("of the user")
	}
	c.asked = true
	return nil
}

func (*endedContext) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// A context that panics leaves the reader's role free.
func TestBrokenContextLeavesTheRole(t *testing.T) {
	l := newDirectSocket(t, Options{RecvQueue: 100, RecvQueueBytes: 1 << 20})
	for range 20 {
		l.pingPong(t)
		if _, err := l.inbox.Recv(&endedContext{}); err == nil {
			t.Fatal("a receive whose context had ended succeeded")
		}
	}
}

// Receivers come and go with contexts that end at any moment, while messages come, one by one or many together. None is
// lost, none comes twice or out of order, and the connection lives.
func TestDirectReadsUnderStress(t *testing.T) {
	l := newDirectSocket(t, Options{RecvQueue: 16, RecvQueueBytes: 1 << 20})
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

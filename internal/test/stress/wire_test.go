// SPDX-License-Identifier: MIT

package stress_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A relay passes connections on to a listener, through a function that may do harm to each piece.
type relay struct {
	net.Listener
	to    string
	harm  func(piece []byte) (out []byte, cut bool)
	conns sync.Map
	all   sync.WaitGroup
}

// newRelay returns a relay to a tcp address, which ends with the test.
func newRelay(t *testing.T, to string, harm func([]byte) ([]byte, bool)) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	r := &relay{Listener: l, to: to, harm: harm}
	r.all.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) close() {
	_ = r.Close()
	r.cut()
	r.all.Wait()
}

// cut breaks every connection.
func (r *relay) cut() {
	r.conns.Range(func(c, _ any) bool {
		_ = c.(net.Conn).Close()
		return true
	})
}

func (r *relay) accept() {
	for {
		near, err := r.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", r.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		r.conns.Store(near, nil)
		r.conns.Store(far, nil)
		r.all.Go(func() { r.pass(near, far) })
		r.all.Go(func() { r.pass(far, near) })
	}
}

// pass copies from one connection to the other, and the end of one to the other.
func (r *relay) pass(from, to net.Conn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		out, cut := r.harm(buffer[:n])
		if _, werr := to.Write(out); cut || werr != nil || err != nil && !errors.Is(err, io.EOF) {
			_ = from.Close()
			_ = to.Close()
			r.conns.Delete(from)
			return
		}
		if err != nil {
			_ = to.(*net.TCPConn).CloseWrite()
			return
		}
	}
}

// harms are the ways in which a piece is damaged.
var harms = []func(rng *rand.Rand, piece []byte) ([]byte, bool){
	func(rng *rand.Rand, p []byte) ([]byte, bool) {
		p[rng.IntN(len(p))] ^= 1 << rng.IntN(8)
		return p, false
	},
	func(rng *rand.Rand, p []byte) ([]byte, bool) { return p[:rng.IntN(len(p))], false },
	func(rng *rand.Rand, p []byte) ([]byte, bool) { return p[:rng.IntN(len(p))], true },
	func(_ *rand.Rand, p []byte) ([]byte, bool) { return append(p[:len(p):len(p)], p...), false },
	func(rng *rand.Rand, p []byte) ([]byte, bool) {
		at := rng.IntN(len(p))
		noise := make([]byte, rng.IntN(100))
		for i := range noise {
			noise[i] = byte(rng.Uint32())
		}
		return append(append(append([]byte(nil), p[:at]...), noise...), p[at:]...), false
	},
	func(rng *rand.Rand, p []byte) ([]byte, bool) { // a length of which little comes
		at := rng.IntN(len(p))
		for i := at; i < min(at+8, len(p)); i++ {
			p[i] = 0xff
		}
		return p, false
	},
}

// damagedPairs are pairs of sockets that talk through the relay: who listens, who dials, and what each keeps doing.
var damagedPairs = []func(o spry.Options) (a, b anySocket, work []func(context.Context) error){
	func(o spry.Options) (anySocket, anySocket, []func(context.Context) error) {
		pull, push := spry.NewPull(&spry.PullOptions{Options: o}), spry.NewPush(&spry.PushOptions{Options: o})
		return pull, push, []func(context.Context) error{receive(pull), send(push)}
	},
	func(o spry.Options) (anySocket, anySocket, []func(context.Context) error) {
		rep, req := spry.NewRep(&spry.RepOptions{Options: o}), spry.NewReq(&spry.ReqOptions{Options: o, Retry: 20 * time.Millisecond})
		return rep, req, []func(context.Context) error{answer(rep), func(ctx context.Context) error { _, err := req.Do(ctx, []byte("request")); return err }}
	},
	func(o spry.Options) (anySocket, anySocket, []func(context.Context) error) {
		pub, sub := spry.NewPub(&spry.PubOptions{Options: o}), spry.NewSub(&spry.SubOptions{Options: o})
		_ = sub.Subscribe("")
		return pub, sub, []func(context.Context) error{receive(sub), send(pub), func(context.Context) error { return sub.Subscribe("x") }}
	},
	func(o spry.Options) (anySocket, anySocket, []func(context.Context) error) {
		a, b := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
		return a, b, []func(context.Context) error{receive(a), send(a), receive(b), send(b)}
	},
	func(o spry.Options) (anySocket, anySocket, []func(context.Context) error) {
		a, b := zmq.NewRouter(&zmq.RouterOptions{Options: zmqOptions(o)}), zmq.NewDealer(&zmq.DealerOptions{Options: zmqOptions(o)})
		echo := func(ctx context.Context) error {
			frames, err := a.Recv(ctx)
			if err == nil {
				err = a.Send(ctx, frames...)
			}
			return err
		}
		return a, b, []func(context.Context) error{echo, receive(b), func(ctx context.Context) error { return b.Send(ctx, []byte("one"), []byte("two")) }}
	},
	func(o spry.Options) (anySocket, anySocket, []func(context.Context) error) {
		public, secret, _ := zmq.GenerateKeys()
		o = zmqOptions(o)
		o.Security = zmq.CurveServer{Secret: secret}
		pull := zmq.NewPull(&zmq.PullOptions{Options: o})
		o.Security = zmq.CurveClient{Server: public}
		push := zmq.NewPush(&zmq.PushOptions{Options: o})
		return pull, push, []func(context.Context) error{receive(pull), func(ctx context.Context) error { return push.Send(ctx, make([]byte, 1000)) }}
	},
}

func receive(r spry.Receiver) func(context.Context) error {
	return func(ctx context.Context) error {
		m, err := r.RecvMsg(ctx)
		if err == nil {
			m.Release()
		}
		return err
	}
}

func send(s interface {
	Send(context.Context, []byte) error
},
) func(context.Context) error {
	body := make([]byte, 3000)
	return func(ctx context.Context) error { return s.Send(ctx, body) }
}

func answer(s *spry.Rep) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := s.Recv(ctx)
		if err == nil {
			_ = r.Reply(ctx, []byte("reply"))
		}
		return err
	}
}

// Two sockets talk through a relay that damages what passes. Neither panics, hangs, leaks or grows, and when the damage
// ends they talk again.
func TestDamagedWire(t *testing.T) {
	for n, rng := range rounds(t) {
		t.Run("round", func(t *testing.T) { damagedWire(t, rng, n) })
	}
}

func damagedWire(t *testing.T, rng *rand.Rand, n int) {
	leak.Check(t)
	before := heap()
	const limit = 1 << 20
	o := spry.Options{
		Backoff: quick, Linger: -1, MaxMessageSize: limit, SendQueue: 50, RecvQueue: 50, HandshakeTimeout: 200 * time.Millisecond,
		Heartbeat: time.Second,
	}
	a, b, work := damagedPairs[rng.IntN(len(damagedPairs))](o)
	defer func() {
		within(t, "Close", func() { _ = a.Close(); _ = b.Close() })
		for _, s := range []anySocket{a, b} {
			if why := testkit.Unbalanced(s.Stats()); why != "" {
				t.Error(why)
			}
		}
	}()
	scheme := []string{"tcp", "zmtp+tcp"}[n%2]
	e, err := a.Listen(testkit.Watchdog(t), "tcp://127.0.0.1:0")
	testkit.Check(t, err)
	damaging := new(atomic.Bool)
	damaging.Store(true)
	harm, seed, often := harms[rng.IntN(len(harms))], rng.Uint64(), 1+rng.IntN(30)
	var pieces atomic.Uint64
	r := newRelay(t, e.Addr().String(), func(piece []byte) ([]byte, bool) {
		k := pieces.Add(1)
		if len(piece) == 0 || !damaging.Load() || k%uint64(often) != 0 {
			return piece, false
		}
		return harm(rand.New(rand.NewPCG(seed, k)), piece)
	})
	_, err = b.Connect(scheme + "://" + r.Addr().String())
	testkit.Check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	done := make([]atomic.Uint64, len(work))
	for i, f := range work {
		working.Go(func() {
			for ctx.Err() == nil {
				one, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				if f(one) == nil {
					done[i].Add(1)
				}
				cancel()
				runtime.Gosched()
			}
		})
	}
	time.Sleep(time.Duration(100+rng.IntN(200)) * time.Millisecond) // how long damage is done
	damaging.Store(false)
	r.cut() // a stream that has lost its step is not found again
	marks := make([]uint64, len(work))
	for i := range done {
		marks[i] = done[i].Load()
	}
	for i := range done {
		testkit.Eventually(t, "the sockets talk again", func() bool { return done[i].Load() > marks[i] })
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
	cancel()
	within(t, "work", working.Wait)
}

// heap is what is alive on the heap, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
)

// A stormy socket is one of some pattern, by what may be done with it. Any of it may fail, but only in ways that
// say why.
type stormy struct {
	anySocket
	send, recv func(context.Context) error
}

// stormPair returns two sockets that talk with each other.
func stormPair(kind int, o spry.Options) (a, b stormy) {
	body := []byte("storm")
	sender := func(s interface {
		anySocket
		Send(context.Context, []byte) error
	},
	) stormy {
		return stormy{s, func(ctx context.Context) error { return s.Send(ctx, body) }, nil}
	}
	type receiver interface {
		anySocket
		Recv(context.Context) ([]byte, error)
	}
	receive := func(s receiver) func(context.Context) error {
		return func(ctx context.Context) error { _, err := s.Recv(ctx); return err }
	}
	answer := func(s interface {
		Recv(context.Context) (*spry.Request, error)
	},
	) func(context.Context) error {
		return func(ctx context.Context) error {
			r, err := s.Recv(ctx)
			if err == nil {
				err = r.Reply(ctx, body)
			}
			return err
		}
	}
	both := func(s interface {
		receiver
		Send(context.Context, []byte) error
	},
	) stormy {
		st := sender(s)
		st.recv = receive(s)
		return st
	}
	switch kind % 6 {
	case 0:
		pull := spry.NewPull(&spry.PullOptions{Options: o})
		return sender(spry.NewPush(&spry.PushOptions{Options: o})), stormy{pull, nil, receive(pull)}
	case 1:
		sub := spry.NewSub(&spry.SubOptions{Options: o})
		_ = sub.Subscribe("")
		return sender(spry.NewPub(&spry.PubOptions{Options: o, Overflow: spry.Overflow(rand.IntN(4))})), stormy{sub, nil, receive(sub)}
	case 2:
		req, rep := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
		ask := func(ctx context.Context) error { _, err := req.Do(ctx, body); return err }
		return stormy{req, ask, nil}, stormy{rep, nil, answer(rep)}
	case 3:
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: time.Millisecond})
		respondent := spry.NewRespondent(&spry.RespondentOptions{Options: o})
		ask := func(ctx context.Context) error {
			for _, err := range surveyor.Survey(ctx, body) {
				if err != nil {
					return err
				}
			}
			return nil
		}
		return stormy{surveyor, ask, nil}, stormy{respondent, nil, answer(respondent)}
	case 4:
		return both(spry.NewPair(&spry.PairOptions{Options: o})), both(spry.NewPair(&spry.PairOptions{Options: o}))
	}
	return both(spry.NewBus(&spry.BusOptions{Options: o})), both(spry.NewBus(&spry.BusOptions{Options: o}))
}

// acceptable reports whether a call that a Close got in the way of may fail so.
func acceptable(err error) bool {
	return err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) || errors.Is(err, spry.ErrPipeClosed) || errors.Is(err, spry.ErrUnsent) || errors.Is(err, spry.ErrUnconfirmed)
}

// Eight goroutines at once do what they like with two sockets, while both are closed. Everything returns.
func TestT16CloseStorm(t *testing.T) {
	leak.Check(t)
	const storms = 5000
	schemes := []string{"inproc", "inproc", "ipc", "inproc", "tcp"}
	hung := time.AfterFunc(5*patience, func() { panic("T16: a close storm hangs") })
	defer hung.Stop()
	begin := time.Now()
	for i := range storms {
		storm(t, i, schemes[i%len(schemes)])
	}
	t.Logf("T16: %d close storms of 8 goroutines over 6 patterns, 0 hangs, in %v", storms, time.Since(begin).Round(time.Millisecond))
}

func storm(t *testing.T, i int, scheme string) {
	linger := []time.Duration{-1, time.Millisecond, 20 * time.Millisecond}[i%3]
	o := spry.Options{Linger: linger, SendQueue: 1 + i%5, RecvQueue: 1 + i%7, Network: stormNetwork}
	a, b := stormPair(i/5, o)
	e := listenOn(t, b, scheme)
	dial := func(ctx context.Context) error { _, err := a.DialWith(ctx, dialerTo(e)); return err }
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if i%2 == 0 {
		check(t, dial(ctx))
	}
	var all sync.WaitGroup
	start := make(chan struct{})
	run := func(what string, f func(context.Context) error) {
		if f == nil {
			return
		}
		all.Go(func() {
			<-start
			for range 3 {
				if err := f(ctx); !acceptable(err) && !unreachable(err) {
					t.Errorf("storm %d over %s: %s: %v", i, scheme, what, err)
				}
			}
		})
	}
	closing := func(s stormy) func(context.Context) error {
		return func(context.Context) error { return s.Close() }
	}
	stats := func(s stormy) func(context.Context) error {
		return func(context.Context) error {
			if why := unbalanced(s.Stats()); why != "" {
				return fmt.Errorf("unbalanced: %s", why)
			}
			return nil
		}
	}
	run("send", a.send)
	run("send back", b.send)
	run("receive", b.recv)
	run("receive back", a.recv)
	run("dial", dial)
	run("stats", stats(a))
	run("stats of the listener", stats(b))
	run("close", closing(a))
	run("close again", closing(a))
	run("close the listener", closing(b))
	close(start)
	all.Wait()
	if err := ctx.Err(); err != nil {
		t.Fatalf("storm %d over %s: something only ended by the watchdog", i, scheme)
	}
	for _, s := range []stormy{a, b} {
		if s.send != nil {
			if err := s.send(ctx); !errors.Is(err, net.ErrClosed) && !(i/5%6 == 3 && err == nil) { // a survey of a closed socket has no answers
				t.Errorf("storm %d over %s: send after Close: %v", i, scheme, err)
			}
		}
		if s.recv != nil {
			if err := s.recv(ctx); !errors.Is(err, net.ErrClosed) {
				t.Errorf("storm %d over %s: receive after Close: %v", i, scheme, err)
			}
		}
	}
}

var stormNetwork = spry.NewNetwork()

// unreachable reports whether a dial failed because the listener was gone, or was closing.
func unreachable(err error) bool {
	var op *spry.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "handshake")
}

func TestT17CloseWithBusyPipes(t *testing.T) {
	leak.Check(t)
	const pipes = 1000
	for _, scheme := range []string{"ipc", "tcp"} {
		pub := spry.NewPub(&spry.PubOptions{Options: spry.Options{Linger: -1, SendQueueBytes: 256 << 10}})
		e := listenOn(t, pub, scheme)
		var peers []*bare
		for range pipes { // that do not read
			b := bareTo(t, e)
			check(t, b.Conn.(interface{ SetReadBuffer(int) error }).SetReadBuffer(4096))
			b.shake(t, spry.ProtocolSub)
			peers = append(peers, b)
		}
		ctx := watchdog(t)
		check(t, pub.WaitPipes(ctx, pipes))
		var busy sync.WaitGroup
		for range 2 {
			busy.Go(func() {
				for body := make([]byte, 64<<10); pub.Send(ctx, body) == nil; {
				}
			})
		}
		eventually(t, "every pipe is full", func() bool {
			full := 0
			for p := range pub.Pipes() {
				if p.Stats().Send.Dropped["overflow"] > 0 {
					full++
				}
			}
			return full == pipes
		})
		begin := time.Now()
		err := pub.Close()
		took := time.Since(begin)
		busy.Wait()
		st := pub.Stats()
		if !errors.Is(err, spry.ErrUnsent) || !strings.Contains(err.Error(), fmt.Sprintf(" %d messages", st.Send.Dropped["pipe_closed"])) {
			t.Errorf("Close with full queues returned %v; want it to tell of %d unsent messages", err, st.Send.Dropped["pipe_closed"])
		}
		if unbalanced(st) != "" || st.Send.Queued != 0 {
			t.Errorf("after Close: %s, %d queued", unbalanced(st), st.Send.Queued)
		}
		for _, b := range peers {
			_ = b.Close()
		}
		t.Logf("T17 %s: Close with %d busy pipes took %v: %v", scheme, pipes, took.Round(time.Millisecond), err)
	}
}

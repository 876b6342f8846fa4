// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// What a peer that does not read its replies costs: its own requests wait, and nobody else's.

// An asker sends requests and reads no reply until it is told to.
type asker struct {
	raw     *spry.Raw
	asked   atomic.Uint64
	asking  sync.WaitGroup
	ctx     context.Context
	stopped context.CancelFunc
}

// ask sends that many requests, or surveys, as fast as they are taken.
func newAsker(t *testing.T, w wireUnderTest, protocol spry.Protocol, e *spry.Endpoint, n int) *asker {
	t.Helper()
	o := w.options
	o.RecvQueue, o.SendQueue = 1, 1
	raw, err := spry.NewRaw(protocol, &o)
	testkit.Check(t, err)
	testkit.DialTo(t, raw, e)
	ctx, cancel := context.WithCancel(testkit.Watchdog(t))
	a := &asker{raw: raw, ctx: ctx, stopped: cancel}
	a.asking.Go(func() {
		for i := range n {
			m := spry.NewMessage(0)
			m.SetHeader([]byte{0x80, 0, byte(i >> 8), byte(i)})
			if raw.SendMsg(ctx, m) != nil {
				return
			}
			a.asked.Add(1)
		}
	})
	t.Cleanup(a.stop)
	return a
}

func (a *asker) stop() {
	a.stopped()
	a.asking.Wait()
	_ = a.raw.Close()
}

// held reports whether requests of a live pipe of s wait although all replies that were begun are queued.
func held(s testkit.Socket, limit int64) bool {
	for _, p := range s.Stats().Pipes {
		if p.Live && p.Recv.Queued > 0 && p.Send.QueuedBytes > limit/2 {
			return true
		}
	}
	return false
}

const (
	unreadLimit = 1 << 20
	unreadReply = 64 << 10
	unreadAsked = 600
	unreadCrew  = 4
)

// serveBig answers with replies of one size in a few workers, until the test ends.
func serveBig(t *testing.T, s interface {
	Serve(context.Context, int, spry.Handler) error
}, h spry.Handler,
) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(ctx, unreadCrew, h) })
	t.Cleanup(func() { cancel(); serving.Wait() })
}

// One requester that reads nothing keeps no worker: others are served while its requests wait, and when it reads at last
// it gets every reply.
func TestUnreadRepliesDelayNoOthers(t *testing.T) {
	reply := make([]byte, unreadReply)
	handlers := map[string]spry.Handler{
		"handler": spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, reply) }),
		"typed": spry.TypedHandler[string, string]{
			Func:    func(context.Context, string) (string, error) { return string(reply), nil },
			Request: text{}, Reply: text{},
		},
	}
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			overEveryWire(t, func(t *testing.T, w wireUnderTest) {
				o := w.options
				o.SendQueueBytes = unreadLimit
				rep, good := spry.NewRep(&spry.RepOptions{Options: o, ReplyTimeout: -1}), spry.NewReq(&spry.ReqOptions{Options: w.options})
				e := w.listen(t, rep)
				testkit.CloseAll(t, rep, good)
				serveBig(t, rep, h)
				evil := newAsker(t, w, spry.ProtocolReq, e, unreadAsked)
				testkit.Eventually(t, "the requests of the one that reads nothing wait", func() bool { return held(rep, unreadLimit) })

				testkit.DialTo(t, good, e)
				for range 50 {
					got, err := good.Do(testkit.Watchdog(t), nil)
					testkit.Check(t, err)
					if len(got) != unreadReply {
						t.Fatalf("a reply of %d bytes", len(got))
					}
				}
				testkit.Eventually(t, "the requests of the one that reads nothing still wait", func() bool { return held(rep, unreadLimit) })
				for range unreadAsked {
					m, err := evil.raw.RecvMsg(testkit.Watchdog(t))
					testkit.Check(t, err)
					m.Release()
				}
				if st := rep.Stats(); len(st.Send.Dropped) > 0 || len(st.Recv.Dropped) > 0 || testkit.Unbalanced(st) != "" {
					t.Errorf("dropped %v and %v; %s", st.Send.Dropped, st.Recv.Dropped, testkit.Unbalanced(st))
				}
			})
		})
	}
}

// text is a codec of strings as they are.
type text struct{}

func (text) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }
func (text) Decode(src []byte) (string, error)           { return string(src), nil }

// The same of surveys.
func TestUnreadAnswersDelayNoOthers(t *testing.T) {
	overSPWires(t, func(t *testing.T, w wireUnderTest) {
		o := w.options
		o.SendQueueBytes = unreadLimit
		respondent := spry.NewRespondent(&spry.RespondentOptions{Options: o, ReplyTimeout: -1})
		good := spry.NewSurveyor(&spry.SurveyorOptions{Options: w.options, Deadline: testkit.Patience})
		e := w.listen(t, respondent)
		testkit.CloseAll(t, respondent, good)
		reply := make([]byte, unreadReply)
		serveBig(t, respondent, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, reply) }))
		evil := newAsker(t, w, spry.ProtocolSurveyor, e, 0)
		evil.asking.Go(func() { // whenever it is not held: what waits for a moment only may be answered yet
			for evil.ctx.Err() == nil {
				if held(respondent, unreadLimit) {
					time.Sleep(time.Millisecond)
					continue
				}
				m := spry.NewMessage(0)
				m.SetHeader([]byte{0x80, 0, 0, 0})
				_ = evil.raw.SendMsg(evil.ctx, m)
			}
		})
		testkit.Eventually(t, "the surveys of the one that reads nothing wait", func() bool { return held(respondent, unreadLimit) })
		testkit.DialTo(t, good, e)
		for range 20 {
			for m, err := range good.Survey(testkit.Watchdog(t), nil) {
				testkit.Check(t, err)
				m.Release()
				break
			}
		}
	})
}

// A program that receives and replies in one loop never waits for a peer: what it is given can be replied to at once.
func TestOneLoopNeverWaitsForAReply(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		o := w.options
		o.SendQueueBytes = 4 * unreadReply
		rep := spry.NewRep(&spry.RepOptions{Options: o, ReplyTimeout: 1}) // a nanosecond: a reply that has to wait fails
		good := spry.NewReq(&spry.ReqOptions{Options: w.options})
		e := w.listen(t, rep)
		testkit.CloseAll(t, rep, good)
		ctx, cancel := context.WithCancel(context.Background())
		var serving sync.WaitGroup
		serving.Go(func() {
			sizes := [2]int{unreadReply, 4*unreadReply - 1000} // the second finds room in an empty queue only, but for the promise
			i := 0
			for r, err := range rep.Requests(ctx) {
				if err != nil {
					return
				}
				i++
				if err := r.Reply(ctx, make([]byte, sizes[i%2])); errors.Is(err, spry.ErrStalled) {
					t.Error("a reply would have had to wait")
				}
			}
		})
		t.Cleanup(func() { cancel(); serving.Wait() })
		for range 8 {
			newAsker(t, w, spry.ProtocolReq, e, unreadAsked)
		}
		testkit.Eventually(t, "requests wait", func() bool {
			n := 0
			for _, p := range rep.Stats().Pipes {
				if p.Recv.Queued > 0 && p.Send.Queued > 0 {
					n++
				}
			}
			return n == 8
		})
		testkit.DialTo(t, good, e)
		for range 20 {
			_, err := good.Do(testkit.Watchdog(t), nil)
			testkit.Check(t, err)
		}
	})
}

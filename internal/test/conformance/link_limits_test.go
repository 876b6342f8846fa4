// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// linkLimit is the largest message that the links of these tests carry.
const linkLimit = 1000

// limitedNet is a network whose links of messages carry no more than limit bytes at a time. Links keep the limit that the
// network had when they were made.
func limitedNet(limit int64) *simnet.Net {
	n := simnet.New(1)
	n.SetLinkOptions(simnet.LinkOptions{MaxMessage: limit})
	return n
}

// A carriage is a way from one socket to another that knows its pipe, or has only one.
type carriage struct {
	from, to testkit.Socket
	header   int // of the dialect, beside what the application sends
	send     func(m *spry.Message) error
	recv     func() (int, error) // the size of the next message that arrives
}

func zeros(n int) *spry.Message {
	m := spry.NewMessage(0)
	_, _ = m.Write(make([]byte, n))
	return m
}

func lengthOf(m *spry.Message, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	defer m.Release()
	return m.Len(), nil
}

// carriages are the ways that are told of a message that is too large: all but those of fan-outs.
var carriages = map[string]func(t *testing.T, o spry.Options) carriage{
	"push": func(t *testing.T, o spry.Options) carriage {
		a, b := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		return carriage{
			a, b, 0, func(m *spry.Message) error { return a.SendMsg(testkit.Watchdog(t), m) },
			func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) },
		}
	},
	"push, least loaded": func(t *testing.T, o spry.Options) carriage {
		a, b := spry.NewPush(&spry.PushOptions{Options: o, LeastLoaded: true}), spry.NewPull(&spry.PullOptions{Options: o})
		return carriage{
			a, b, 0, func(m *spry.Message) error { return a.SendMsg(testkit.Watchdog(t), m) },
			func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) },
		}
	},
	"push, TrySendMsg": func(t *testing.T, o spry.Options) carriage {
		a, b := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
		return carriage{a, b, 0, a.TrySendMsg, func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) }}
	},
	"pair": func(t *testing.T, o spry.Options) carriage {
		a, b := spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
		return carriage{
			a, b, 4, func(m *spry.Message) error { return a.SendMsg(testkit.Watchdog(t), m) },
			func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) },
		}
	},
	"pair 0": func(t *testing.T, o spry.Options) carriage {
		po := &spry.PairOptions{Options: o, V0: true}
		a, b := spry.NewPair(po), spry.NewPair(po)
		return carriage{
			a, b, 0, func(m *spry.Message) error { return a.SendMsg(testkit.Watchdog(t), m) },
			func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) },
		}
	},
	"poly": func(t *testing.T, o spry.Options) carriage {
		a, b := spry.NewPairPoly(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
		return carriage{
			a, b, 4, func(m *spry.Message) error { return a.SendMsgTo(testkit.Watchdog(t), onlyPipe(a), m) },
			func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) },
		}
	},
	"poly, TrySendTo": func(t *testing.T, o spry.Options) carriage {
		a, b := spry.NewPairPoly(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
		return carriage{
			a, b, 4, func(m *spry.Message) error { return a.TrySendMsgTo(onlyPipe(a), m) },
			func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) },
		}
	},
	"raw push": func(t *testing.T, o spry.Options) carriage {
		a, err := spry.NewRaw(spry.ProtocolPush, &o)
		testkit.Check(t, err)
		b := spry.NewPull(&spry.PullOptions{Options: o})
		return carriage{
			a, b, 0, func(m *spry.Message) error { return a.SendMsg(testkit.Watchdog(t), m) },
			func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) },
		}
	},
	"raw req": func(t *testing.T, o spry.Options) carriage {
		a, err := spry.NewRaw(spry.ProtocolReq, &o)
		testkit.Check(t, err)
		b := spry.NewRep(&spry.RepOptions{Options: o})
		return carriage{a, b, 4, func(m *spry.Message) error {
			m.SetHeader([]byte{0x80, 0, 0, 1})
			return a.SendMsg(testkit.Watchdog(t), m)
		}, func() (int, error) { return requestSize(b.Recv(testkit.Watchdog(t))) }}
	},
	"raw rep": func(t *testing.T, o spry.Options) carriage {
		a, err := spry.NewRaw(spry.ProtocolRep, &o)
		testkit.Check(t, err)
		b, err := spry.NewRaw(spry.ProtocolReq, &o)
		testkit.Check(t, err)
		return carriage{a, b, 4, func(m *spry.Message) error {
			id := onlyPipe(a).ID()
			m.SetHeader([]byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id), 0x80, 0, 0, 1})
			return a.SendMsg(testkit.Watchdog(t), m)
		}, func() (int, error) { return lengthOf(b.RecvMsg(testkit.Watchdog(t))) }}
	},
	"req": func(t *testing.T, o spry.Options) carriage {
		a, b := spry.NewReq(&spry.ReqOptions{Options: o}), spry.NewRep(&spry.RepOptions{Options: o})
		return carriage{a, b, 4, func(m *spry.Message) error {
			_, err := a.Start(m)
			return err
		}, func() (int, error) { return requestSize(b.Recv(testkit.Watchdog(t))) }}
	},
	"rep": func(t *testing.T, o spry.Options) carriage {
		a, b := spry.NewRep(&spry.RepOptions{Options: o}), spry.NewReq(&spry.ReqOptions{Options: o})
		var r *spry.Request
		var call *spry.Call
		return carriage{a, b, 4, func(m *spry.Message) (err error) {
			if r == nil {
				call, err = b.Start(zeros(1))
				testkit.Check(t, err)
				r, err = a.Recv(testkit.Watchdog(t))
				testkit.Check(t, err)
			}
			if err = r.ReplyMsg(testkit.Watchdog(t), m); err == nil {
				r = nil
			}
			return err
		}, func() (int, error) { return lengthOf(call.Wait(testkit.Watchdog(t))) }}
	},
}

// live are the numbers of a socket's live pipes.
func live(s testkit.Socket) (ids []uint32) {
	for _, p := range s.Stats().Pipes {
		if p.Live {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func onlyPipe(s interface{ Pipes() iter.Seq[*spry.Pipe] }) *spry.Pipe {
	for p := range s.Pipes() {
		return p
	}
	return nil
}

func requestSize(r *spry.Request, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	defer r.Discard()
	return len(r.Bytes()), nil
}

// bothWays runs f for a socket that dials the other, and for one that listens.
func bothWays(t *testing.T, f func(t *testing.T, join func(a, b testkit.Socket))) {
	for _, dials := range []bool{true, false} {
		t.Run(fmt.Sprintf("dials %v", dials), func(t *testing.T) {
			leak.Check(t)
			f(t, func(a, b testkit.Socket) {
				if !dials {
					a, b = b, a
				}
				url := fmt.Sprintf("simmsg://limit%d", testkit.Fresh())
				_, err := b.ListenWith(testkit.Watchdog(t), &spry.ListenConfig{URL: url})
				testkit.Check(t, err)
				_, err = a.DialWith(testkit.Watchdog(t), &spry.DialConfig{URL: url})
				testkit.Check(t, err)
				testkit.Check(t, b.WaitPipes(testkit.Watchdog(t), 1))
			})
		})
	}
}

// A message that is larger than its link carries, its routing header included, is refused with both sizes in the error. It
// stays as it was, and neither its pipe nor any other message suffers.
func TestMessageLargerThanItsLink(t *testing.T) {
	for name, open := range carriages {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, join func(a, b testkit.Socket)) {
				c := open(t, testkit.Simulated(limitedNet(linkLimit)))
				join(c.from, c.to)
				before := live(c.from)
				arrives := func(n int) {
					t.Helper()
					testkit.Check(t, c.send(zeros(n)))
					if got, err := c.recv(); err != nil || got != n {
						t.Fatalf("%d bytes arrived as %d: %v", n, got, err)
					}
				}
				most := linkLimit - c.header
				arrives(most)
				for _, n := range []int{most + 1, 100_000} {
					m := zeros(n)
					err := c.send(m)
					if !errors.Is(err, spry.ErrTooLarge) || !strings.Contains(err.Error(), fmt.Sprint(n+c.header)) || !strings.Contains(err.Error(), fmt.Sprint(linkLimit)) {
						t.Fatalf("%d bytes over a link for %d: %v", n, most, err)
					}
					if m.Len() != n {
						t.Errorf("the refused message of %d bytes has %d", n, m.Len())
					}
					arrives(1)
				}
				arrives(most)
				if now := live(c.from); !slices.Equal(now, before) {
					t.Errorf("the pipes were %v and are %v", before, now)
				}
				if dropped := c.from.Stats().Send.Dropped; testkit.Sum(dropped) != 0 {
					t.Errorf("dropped: %v", dropped)
				}
				testkit.Shut(t, c.from, c.to)
			})
		})
	}
}

// SendBatch sends what comes before a message that is too large, and says how many that were.
func TestBatchWithMessageLargerThanItsLink(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	o := testkit.Simulated(limitedNet(linkLimit))
	for _, poly := range []bool{false, true} { // with and without a routing header
		var from interface {
			testkit.Socket
			SendBatch(context.Context, []*spry.Message) (int, error)
		} = spry.NewPush(&spry.PushOptions{Options: o})
		var to interface {
			testkit.Socket
			spry.Receiver
		} = spry.NewPull(&spry.PullOptions{Options: o})
		if poly {
			from, to = spry.NewPair(&spry.PairOptions{Options: o}), spry.NewPair(&spry.PairOptions{Options: o})
		}
		url := fmt.Sprintf("simmsg://batch%v", poly)
		_, err := to.ListenWith(ctx, &spry.ListenConfig{URL: url})
		testkit.Check(t, err)
		_, err = from.DialWith(ctx, &spry.DialConfig{URL: url})
		testkit.Check(t, err)
		before := live(from)
		ms := []*spry.Message{zeros(1), zeros(2), zeros(linkLimit + 1), zeros(3)}
		n, err := from.SendBatch(ctx, ms)
		if n != 2 || !errors.Is(err, spry.ErrTooLarge) || ms[2].Len() != linkLimit+1 || ms[3].Len() != 3 {
			t.Errorf("SendBatch: %d, %v, and the rest have %d and %d bytes", n, err, ms[2].Len(), ms[3].Len())
		}
		if n, err := from.SendBatch(ctx, ms[2:3]); n != 0 || !errors.Is(err, spry.ErrTooLarge) {
			t.Errorf("SendBatch of a message that is too large: %d, %v", n, err)
		}
		n, err = from.SendBatch(ctx, ms[3:])
		if n != 1 || err != nil {
			t.Errorf("SendBatch of the rest: %d, %v", n, err)
		}
		for want := 1; want <= 3; want++ {
			if got, err := lengthOf(to.RecvMsg(ctx)); err != nil || got != want {
				t.Errorf("%d bytes arrived as %d: %v", want, got, err)
			}
		}
		if now := live(from); !slices.Equal(now, before) {
			t.Errorf("the pipes were %v and are %v", before, now)
		}
		testkit.Shut(t, from, to)
	}
}

// A fan-out drops a message for the peers whose link is too small for it, counts that, and sends it to the others.
func TestFanOutOfMessageLargerThanALink(t *testing.T) {
	policies := []spry.Overflow{spry.DropOldest, spry.DropNewest, spry.Block, spry.Disconnect}
	for _, policy := range policies {
		for _, size := range []int{linkLimit + 1, 20_000} { // copied into the log that pipes share, and shared as it is
			for _, kind := range []string{"pub", "bus", "surveyor", "raw pub"} {
				t.Run(fmt.Sprint(kind, " ", policy, " ", size), func(t *testing.T) {
					leak.Check(t)
					ctx := testkit.Watchdog(t)
					n := limitedNet(linkLimit)
					from, send, small, large := fanOuts(t, testkit.Simulated(n), kind, policy)
					_, err := from.ListenWith(ctx, &spry.ListenConfig{URL: "simmsg://hub"})
					testkit.Check(t, err)
					_, err = small.DialWith(ctx, &spry.DialConfig{URL: "simmsg://hub"})
					testkit.Check(t, err)
					testkit.Check(t, from.WaitPipes(ctx, 1))
					n.SetLinkOptions(simnet.LinkOptions{})
					_, err = large.DialWith(ctx, &spry.DialConfig{URL: "simmsg://hub"})
					testkit.Check(t, err)
					testkit.Check(t, from.WaitPipes(ctx, 2))
					before := live(from)
					sizes := []int{1, size, 2, linkLimit - 4, size, 3}
					for _, n := range sizes {
						testkit.Check(t, send(n))
					}
					for _, n := range sizes {
						if got, err := large.recv(); err != nil || got != n {
							t.Fatalf("%d bytes arrived at the peer without a limit as %d: %v", n, got, err)
						}
						if n == size {
							continue
						}
						if got, err := small.recv(); err != nil || got != n {
							t.Fatalf("%d bytes arrived at the other as %d: %v", n, got, err)
						}
					}
					if now := live(from); !slices.Equal(now, before) {
						t.Errorf("the pipes were %v and are %v", before, now)
					}
					if dropped := from.Stats().Send.Dropped; dropped["too_large"] != 2 || testkit.Sum(dropped) != 2 {
						t.Errorf("dropped: %v", dropped)
					}
					testkit.Shut(t, from, small, large)
				})
			}
		}
	}
}

// A measured socket is one with the size of what arrives next.
type measured struct {
	testkit.Socket
	recv func() (int, error)
}

// fanOuts opens a socket that sends to all its peers, and two peers.
func fanOuts(t *testing.T, o spry.Options, kind string, policy spry.Overflow) (from testkit.Socket, send func(n int) error, a, b measured) {
	ctx := testkit.Watchdog(t)
	var peers [2]measured
	for i := range peers {
		switch kind {
		case "bus":
			s := spry.NewBus(&spry.BusOptions{Options: o})
			peers[i] = measured{s, func() (int, error) { return lengthOf(s.RecvMsg(ctx)) }}
		case "surveyor":
			s := spry.NewRespondent(&spry.RespondentOptions{Options: o})
			peers[i] = measured{s, func() (int, error) { return requestSize(s.Recv(ctx)) }}
		default:
			s := spry.NewSub(&spry.SubOptions{Options: o})
			testkit.Check(t, s.Subscribe(""))
			peers[i] = measured{s, func() (int, error) { return lengthOf(s.RecvMsg(ctx)) }}
		}
	}
	switch kind {
	case "bus":
		s := spry.NewBus(&spry.BusOptions{Options: o, Overflow: policy})
		return s, func(n int) error { return s.Send(ctx, make([]byte, n)) }, peers[0], peers[1]
	case "surveyor":
		s := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: time.Millisecond, Overflow: policy})
		return s, func(n int) error {
			for _, err := range s.Survey(ctx, make([]byte, n)) { // which nobody answers
				return err
			}
			return nil
		}, peers[0], peers[1]
	case "raw pub":
		s, err := spry.NewRaw(spry.ProtocolPub, &o)
		testkit.Check(t, err)
		return s, func(n int) error { return s.SendMsg(ctx, zeros(n)) }, peers[0], peers[1]
	}
	s := spry.NewPub(&spry.PubOptions{Options: o, Overflow: policy})
	return s, func(n int) error { return s.Send(ctx, make([]byte, n)) }, peers[0], peers[1]
}

// SPDX-License-Identifier: MIT

package webclient_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// count is how many messages a role has.
const count = 200

// A meeting is a role of the client, and Spry's part in it.
type meeting struct {
	role  string
	says  string // what the client prints after the number of messages
	peers int    // addresses that it dials
	count int
	play  func(t *testing.T, urls []string)
}

var meetings = []meeting{
	{"req", "replies", 2, count, replyAll},
	{"rep", "calls", 1, count, request},
	{"push", "sent", 1, count, pull},
	{"pull", "received", 1, count, push},
	{"pub", "sent", 1, count, subscribe},
	{"sub", "received", 1, count, publish},
	{"pair", "echoed", 1, count, exchangeV1},
	{"pair0", "echoed", 1, count, exchangeV0},
	{"bus", "echoed", 1, count, exchangeBus},
	{"surveyor", "surveys", 3, 20, answerAll},
	{"respondent", "calls", 1, 20, survey},
}

// options are those of sockets that pages of any origin may reach.
func options() spry.Options {
	o := kit.Options
	o.Transports = []transport.Transport{ws.Transport{Origins: []string{"*"}}}
	return o
}

// body is the message with a number: that of client.mjs.
func body(i int) []byte { return []byte(strconv.Itoa(i) + ":" + strings.Repeat("x", i*37%2000)) }

func listen[S kit.Socket](t *testing.T, s S, url string) S {
	t.Helper()
	kit.Attach(t, s, kit.Address{URL: url, SpryListens: true})
	return s
}

type receiver interface {
	RecvMsg(ctx ctx) (*spry.Message, error)
}

func expect(t *testing.T, r receiver, n int) {
	t.Helper()
	for i := range n {
		m, err := r.RecvMsg(kit.Watched(t))
		testkit.Check(t, err)
		kit.Same(t, fmt.Sprintf("message %d has", i), m.Bytes(), body(i))
		m.Release()
	}
}

func replyAll(t *testing.T, urls []string) {
	for _, url := range urls {
		rep := listen(t, spry.NewRep(&spry.RepOptions{Options: options()}), url)
		go func() {
			for r, err := range rep.Requests(t.Context()) {
				if err != nil || r.Reply(t.Context(), r.Bytes()) != nil {
					return
				}
			}
		}()
	}
}

func request(t *testing.T, urls []string) {
	req := listen(t, spry.NewReq(&spry.ReqOptions{Options: options()}), urls[0])
	for i := range count {
		got, err := req.Do(kit.Watched(t), body(i))
		testkit.Check(t, err)
		kit.Same(t, "the reply has", got, body(i))
	}
}

func pull(t *testing.T, urls []string) {
	expect(t, listen(t, spry.NewPull(&spry.PullOptions{Options: options()}), urls[0]), count)
}

func push(t *testing.T, urls []string) {
	p := listen(t, spry.NewPush(&spry.PushOptions{Options: options()}), urls[0])
	for i := range count {
		testkit.Check(t, p.Send(kit.Watched(t), body(i)))
	}
}

func subscribe(t *testing.T, urls []string) {
	sub := spry.NewSub(&spry.SubOptions{Options: options(), Overflow: spry.Block})
	testkit.Check(t, sub.Subscribe(""))
	expect(t, listen(t, sub, urls[0]), count)
}

func publish(t *testing.T, urls []string) {
	pub := listen(t, spry.NewPub(&spry.PubOptions{Options: options()}), urls[0])
	kit.WaitPipes(t, pub, 1)
	for i := range count {
		testkit.Check(t, pub.Send(kit.Watched(t), body(i)))
	}
}

func exchangeV1(t *testing.T, urls []string) {
	exchange(t, listen(t, spry.NewPair(&spry.PairOptions{Options: options()}), urls[0]))
}

func exchangeV0(t *testing.T, urls []string) {
	exchange(t, listen(t, spry.NewPair(&spry.PairOptions{Options: options(), V0: true}), urls[0]))
}

func exchangeBus(t *testing.T, urls []string) {
	bus := listen(t, spry.NewBus(&spry.BusOptions{Options: options()}), urls[0])
	kit.WaitPipes(t, bus, 1)
	exchange(t, bus)
}

type exchanger interface {
	receiver
	Send(ctx ctx, body []byte) error
}

// exchange sends messages, and receives them back.
func exchange(t *testing.T, s exchanger) {
	t.Helper()
	for i := range count {
		testkit.Check(t, s.Send(kit.Watched(t), body(i)))
	}
	expect(t, s, count)
}

func answerAll(t *testing.T, urls []string) {
	for _, url := range urls {
		r := listen(t, spry.NewRespondent(&spry.RespondentOptions{Options: options()}), url)
		go func() {
			for s, err := range r.Requests(t.Context()) {
				if err != nil || s.Reply(t.Context(), s.Bytes()) != nil {
					return
				}
			}
		}()
	}
}

func survey(t *testing.T, urls []string) {
	s := listen(t, spry.NewSurveyor(&spry.SurveyorOptions{Options: options(), Deadline: time.Minute}), urls[0])
	kit.WaitPipes(t, s, 1)
	for i := range 20 {
		for m, err := range s.Survey(kit.Watched(t), body(i)) {
			testkit.Check(t, err)
			kit.Same(t, "the answer has", m.Bytes(), body(i))
			break
		}
	}
}

// SPDX-License-Identifier: MIT

package conformance_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

var _, _ spry.Receiver = (*spry.Rep)(nil), (*spry.Respondent)(nil)

// A request that is received as a message is replied to by the Request of that, which survives the message.
func TestRequestsAsMessages(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, req, rep)
		if _, err := rep.TryRecvMsg(); !errors.Is(err, spry.ErrWouldBlock) {
			t.Errorf("TryRecvMsg without a request: %v", err)
		}
		replies := map[string]func(m *spry.Message) error{
			"bytes": func(m *spry.Message) error { return m.Request().Reply(ctx, m.Bytes()) },
			"echo":  func(m *spry.Message) error { return m.Request().ReplyMsg(ctx, m) },
			"clone": func(m *spry.Message) error { return m.Request().ReplyMsg(ctx, m.Clone()) },
			"released": func(m *spry.Message) error {
				r, body := m.Request(), m.Detach()
				m.Release()
				if m.Request() != nil {
					t.Error("a released message leads to a request")
				}
				return r.Reply(ctx, body)
			},
		}
		for name, reply := range replies {
			call, err := req.Start(spry.WrapMessage([]byte(name), nil))
			testkit.Check(t, err)
			m, err := rep.RecvMsg(ctx)
			testkit.Check(t, err)
			if r := m.Request(); r == nil || r.Message() != m || string(r.Bytes()) != name || r.Pipe() != m.Pipe() || m.Pipe() == nil {
				t.Fatalf("the message %q leads to the request %v", m.Bytes(), r)
			}
			r := m.Request()
			testkit.Check(t, reply(m))
			testkit.Wants(t, r.Reply(ctx, nil), spry.ErrReplied)
			answer, err := call.Wait(ctx)
			if err != nil || string(answer.Bytes()) != name {
				t.Errorf("%s: the reply is %q, %v", name, answer.Bytes(), err)
			}
			if answer.Request() != nil {
				t.Errorf("%s: the reply leads to a request", name)
			}
		}
		testkit.Shut(t, req, rep)
	})
}

// RecvBatch of a Rep fills a slice with the requests that are at hand, in order.
func TestBatchesOfRequests(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		const requests, room = 100, 30
		ctx := testkit.Watchdog(t)
		req, rep := spry.NewReq(&spry.ReqOptions{Options: l.options}), spry.NewRep(&spry.RepOptions{Options: l.options})
		l.join(t, req, rep)
		if n, err := rep.RecvBatch(ctx, nil); n != 0 || err != nil {
			t.Errorf("a batch without room: %d, %v", n, err)
		}
		var calls []*spry.Call
		for i := range requests {
			c, err := req.Start(spry.WrapMessage(fmt.Append(nil, i), nil))
			testkit.Check(t, err)
			calls = append(calls, c)
		}
		testkit.Eventually(t, "all requests are there", func() bool { return rep.Stats().Recv.Queued == requests })
		batch := make([]*spry.Request, room)
		for i := 0; i < requests; {
			n, err := rep.RecvBatch(ctx, batch)
			testkit.Check(t, err)
			if n != min(room, requests-i) {
				t.Errorf("a batch of %d, %d requests were at hand", n, requests-i)
			}
			for _, r := range batch[:n] {
				if string(r.Bytes()) != fmt.Sprint(i) {
					t.Errorf("request %q came, want %d", r.Bytes(), i)
				}
				testkit.Check(t, r.Reply(ctx, r.Bytes()))
				i++
			}
		}
		for i, c := range calls {
			if m, err := c.Wait(ctx); err != nil || string(m.Bytes()) != fmt.Sprint(i) {
				t.Errorf("the reply %q to %d, %v", m.Bytes(), i, err)
			}
		}
		testkit.Shut(t, req, rep)
		if n, err := rep.RecvBatch(ctx, batch); n != 0 || !errors.Is(err, spry.ErrClosed) {
			t.Errorf("a batch of a closed socket: %d, %v", n, err)
		}
	})
}

// A survey too is received as a message.
func TestSurveysAsMessages(t *testing.T) {
	leak.Check(t)
	ctx, o := testkit.Watchdog(t), testkit.Private()
	surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: testkit.Patience})
	respondent := spry.NewRespondent(&spry.RespondentOptions{Options: o})
	testkit.DialTo(t, surveyor, testkit.ListenOn(t, respondent, "inproc"))
	answered := make(chan error, 1)
	go func() {
		m, err := respondent.RecvMsg(ctx)
		if err == nil {
			err = m.Request().Reply(ctx, m.Bytes())
		}
		answered <- err
	}()
	for m, err := range surveyor.Survey(ctx, []byte("all in favour?")) {
		testkit.Check(t, err)
		if string(m.Bytes()) != "all in favour?" {
			t.Errorf("the answer is %q", m.Bytes())
		}
		break
	}
	testkit.Check(t, <-answered)
	testkit.Shut(t, surveyor, respondent)
}

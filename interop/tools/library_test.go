// SPDX-License-Identifier: MIT

package tools_test

import (
	"context"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// libraryEnd is Spry's library as an end.
func libraryEnd(t *testing.T, role string, a kit.Address, send []byte) func() []byte {
	t.Helper()
	received := kit.Must[[]byte](t)
	ctx := kit.Watched(t)
	switch role {
	case "push":
		s := spry.NewPush(&spry.PushOptions{Options: kit.Options})
		kit.Attach(t, s, a)
		return func() []byte { testkit.Check(t, s.Send(ctx, send)); return nil }
	case "pull":
		s := spry.NewPull(&spry.PullOptions{Options: kit.Options})
		kit.Attach(t, s, a)
		return func() []byte { return received(s.Recv(ctx)) }
	case "pub":
		s := spry.NewPub(&spry.PubOptions{Options: kit.Options})
		kit.Attach(t, s, a)
		return func() []byte { kit.WaitPipes(t, s, 1); testkit.Check(t, s.Send(ctx, send)); return nil }
	case "sub":
		s := spry.NewSub(&spry.SubOptions{Options: kit.Options})
		testkit.Check(t, s.Subscribe(""))
		kit.Attach(t, s, a)
		return func() []byte { return received(s.Recv(ctx)) }
	case "req":
		s := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
		kit.Attach(t, s, a)
		return func() []byte { return received(s.Do(ctx, send)) }
	case "rep":
		s := spry.NewRep(&spry.RepOptions{Options: kit.Options})
		kit.Attach(t, s, a)
		return func() []byte { return serve(t, s, send) }
	case "surveyor":
		s := spry.NewSurveyor(&spry.SurveyorOptions{Options: kit.Options, Deadline: peer.Watchdog})
		kit.Attach(t, s, a)
		return func() []byte { kit.WaitPipes(t, s, 1); return firstAnswer(t, s, send) }
	case "respondent":
		s := spry.NewRespondent(&spry.RespondentOptions{Options: kit.Options})
		kit.Attach(t, s, a)
		return func() []byte { return serve(t, s, send) }
	case "pair", "pair0":
		s := spry.NewPair(&spry.PairOptions{Options: kit.Options, V0: role == "pair0"})
		kit.Attach(t, s, a)
		return func() []byte { testkit.Check(t, s.Send(ctx, send)); return received(s.Recv(ctx)) }
	case "bus":
		s := spry.NewBus(&spry.BusOptions{Options: kit.Options})
		kit.Attach(t, s, a)
		return func() []byte {
			kit.WaitPipes(t, s, 1)
			testkit.Check(t, s.Send(ctx, send))
			return received(s.Recv(ctx))
		}
	}
	t.Fatalf("no role %q", role)
	return nil
}

// serve answers every request or survey with reply until the socket closes, and returns the first one's body. It
// goes on because a tool may ask again when an answer came too late for it.
func serve(t *testing.T, s interface {
	Recv(ctx context.Context) (*spry.Request, error)
}, reply []byte,
) []byte {
	t.Helper()
	ctx := kit.Watched(t)
	first := kit.Must[*spry.Request](t)(s.Recv(ctx))
	body := append([]byte{}, first.Bytes()...)
	testkit.Check(t, first.Reply(ctx, reply))
	ended := make(chan struct{})
	stop, cancel := context.WithCancel(ctx)
	go func() {
		defer close(ended)
		for {
			r, err := s.Recv(stop)
			if err != nil {
				return
			}
			_ = r.Reply(stop, reply) // the tool may be gone
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return body
}

// firstAnswer makes a survey and ends it with the first answer.
func firstAnswer(t *testing.T, s *spry.Surveyor, question []byte) []byte {
	t.Helper()
	for m, err := range s.Survey(kit.Watched(t), question) {
		testkit.Check(t, err)
		return m.Detach()
	}
	t.Fatal("nobody answered the survey")
	return nil
}

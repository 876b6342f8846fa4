// SPDX-License-Identifier: MIT

package interop_test

import (
	"context"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/peer"
)

// socket is what these tests need of every pattern.
type socket interface {
	DialWith(ctx context.Context, d *spry.Dialer) (*spry.Endpoint, error)
	ListenWith(ctx context.Context, l *spry.ListenConfig) (*spry.Endpoint, error)
	WaitPipes(ctx context.Context, n int) error
	Close() error
}

// options suit tests with peers that start slowly, go away, and send large messages.
var options = spry.Options{Backoff: spry.Backoff{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond}}

// watched is a context that ends only if the test hangs.
func watched(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peer.Watchdog)
	t.Cleanup(cancel)
	return ctx
}

// attach dials or listens, and closes the socket when the test ends.
func attach(t *testing.T, s socket, a address) {
	t.Helper()
	t.Cleanup(func() { s.Close() })
	listen := &spry.ListenConfig{URL: a.url}
	dial := &spry.Dialer{URL: a.dialect + a.url, Background: true}
	if a.tls != nil {
		listen.TLS, dial.TLS = a.tls.config(true, a.mutual), a.tls.config(false, a.mutual)
	}
	var err error
	if a.spryListens {
		_, err = s.ListenWith(watched(t), listen)
	} else {
		_, err = s.DialWith(watched(t), dial)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// waitPipes waits for n peers.
func waitPipes(t *testing.T, s socket, n int) {
	t.Helper()
	if err := s.WaitPipes(watched(t), n); err != nil {
		t.Fatalf("wait for %d peers: %v", n, err)
	}
}

// must returns a value, or fails the test for the error that came with it.
func must[T any](t *testing.T) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// libraryEnd is Spry's library as an end.
func libraryEnd(t *testing.T, role string, a address, send []byte) func() []byte {
	t.Helper()
	received := must[[]byte](t)
	ctx := watched(t)
	switch role {
	case "push":
		s := spry.NewPush(&spry.PushOptions{Options: options})
		attach(t, s, a)
		return func() []byte { check(t, s.Send(ctx, send)); return nil }
	case "pull":
		s := spry.NewPull(&spry.PullOptions{Options: options})
		attach(t, s, a)
		return func() []byte { return received(s.Recv(ctx)) }
	case "pub":
		s := spry.NewPub(&spry.PubOptions{Options: options})
		attach(t, s, a)
		return func() []byte { waitPipes(t, s, 1); check(t, s.Send(ctx, send)); return nil }
	case "sub":
		s := spry.NewSub(&spry.SubOptions{Options: options})
		check(t, s.Subscribe(""))
		attach(t, s, a)
		return func() []byte { return received(s.Recv(ctx)) }
	case "req":
		s := spry.NewReq(&spry.ReqOptions{Options: options})
		attach(t, s, a)
		return func() []byte { return received(s.Do(ctx, send)) }
	case "rep":
		s := spry.NewRep(&spry.RepOptions{Options: options})
		attach(t, s, a)
		return func() []byte { return serve(t, s, send) }
	case "surveyor":
		s := spry.NewSurveyor(&spry.SurveyorOptions{Options: options, Deadline: peer.Watchdog})
		attach(t, s, a)
		return func() []byte { waitPipes(t, s, 1); return firstAnswer(t, s, send) }
	case "respondent":
		s := spry.NewRespondent(&spry.RespondentOptions{Options: options})
		attach(t, s, a)
		return func() []byte { return serve(t, s, send) }
	case "pair", "pair0":
		o := &spry.PairOptions{Options: options}
		if role == "pair0" {
			o.Version = spry.PairV0
		}
		s := spry.NewPair(o)
		attach(t, s, a)
		return func() []byte { check(t, s.Send(ctx, send)); return received(s.Recv(ctx)) }
	case "bus":
		s := spry.NewBus(&spry.BusOptions{Options: options})
		attach(t, s, a)
		return func() []byte {
			waitPipes(t, s, 1)
			check(t, s.Send(ctx, send))
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
	ctx := watched(t)
	first := must[*spry.Request](t)(s.Recv(ctx))
	body := append([]byte{}, first.Bytes()...)
	check(t, first.Reply(ctx, reply))
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
	for m, err := range s.Survey(watched(t), question) {
		check(t, err)
		return m.Detach()
	}
	t.Fatal("nobody answered the survey")
	return nil
}

// SPDX-License-Identifier: MIT

package gateway_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A site is a gateway with every handler, and the sockets behind it.
type site struct {
	plain, secure string // URLs, without and with TLS

	ask, send, survey, stream, streamPull *gateway.Handler // stream is of a Rep
	events                                *gateway.Events
	begun                                 atomic.Int64 // streams of events that have their place

	pub          *spry.Pub  // of the events
	pull         *spry.Pull // behind send
	streamedPull *spry.Pull // of streamPull
	answer       chan struct{}
}

// newSite runs a gateway until the test ends. Its Req has a Rep that sends back what it gets. Of its two Respondents, one answers "first" at once,
// and the other "second" for each value in the channel answer.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{answer: make(chan struct{}, 1)}
	req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
	behind(t, req, echoing(t))
	push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
	s.pull = spry.NewPull(&spry.PullOptions{Options: kit.Options})
	behind(t, push, s.pull)
	surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: kit.Options, Deadline: 2 * peer.Watchdog})
	behind(t, surveyor, responding(t, func() []byte { return []byte("first") }))
	behind(t, surveyor, responding(t, func() []byte {
		select {
		case <-s.answer:
		case <-t.Context().Done():
		}
		return []byte("second")
	}))
	kit.WaitPipes(t, surveyor, 2)
	s.streamedPull = spry.NewPull(&spry.PullOptions{Options: kit.Options})
	t.Cleanup(func() { _ = s.streamedPull.Close() })

	patient := &gateway.Options{MaxTimeout: 2 * peer.Watchdog, Timeout: peer.Watchdog, WriteTimeout: peer.Watchdog, BodyTimeout: peer.Watchdog}
	s.ask, s.send, s.survey = gateway.Ask(req, patient), gateway.Send(push, patient), gateway.Survey(surveyor, patient)
	s.stream, s.streamPull = gateway.Stream(echoing(t), patient), gateway.Stream(s.streamedPull, patient)
	s.pub, s.events = newEvents(t)
	mux := http.NewServeMux()
	mux.Handle("/ask", s.ask)
	mux.Handle("/send", s.send)
	mux.Handle("/survey", s.survey)
	mux.Handle("/stream", s.stream)
	mux.Handle("/stream/pull", s.streamPull)
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) { s.events.ServeHTTP(&beginning{w, &s.begun}, r) })
	plain, secure := peer.TCPAddress(t), peer.TCPAddress(t)
	s.plain, s.secure = "http://"+plain, "https://"+secure
	server := gateway.NewServer(mux)
	server.TLSConfig = kit.Certificates(t).Config(true)
	t.Cleanup(serve(t, server, plain, secure))
	return s
}

// beginning counts answers that have begun.
type beginning struct {
	http.ResponseWriter
	count *atomic.Int64
}

func (b *beginning) WriteHeader(status int) {
	b.ResponseWriter.WriteHeader(status)
	b.count.Add(1)
}

func (b *beginning) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// waitStreams waits until so many streams of events have begun.
func (s *site) waitStreams(t *testing.T, n int) {
	t.Helper()
	kit.WaitFor(t, func() bool { return s.begun.Load() == int64(n) })
}

// serve runs a server at an address, and at another one with TLS if it is not empty, until stop is called.
func serve(t *testing.T, server *http.Server, plain, secure string) (stop func()) {
	t.Helper()
	var serving sync.WaitGroup
	run := func(at string, serve func(net.Listener) error) {
		l, err := net.Listen("tcp", at)
		testkit.Check(t, err)
		serving.Go(func() { _ = serve(l) })
	}
	run(plain, server.Serve)
	if secure != "" {
		run(secure, func(l net.Listener) error { return server.ServeTLS(l, "", "") })
	}
	return func() {
		_ = server.Close()
		serving.Wait()
	}
}

// newEvents is a handler for what a Pub publishes.
func newEvents(t *testing.T) (*spry.Pub, *gateway.Events) {
	t.Helper()
	pub := spry.NewPub(&spry.PubOptions{Options: kit.Options})
	sub := spry.NewSub(&spry.SubOptions{Options: kit.Options})
	testkit.Check(t, sub.Subscribe(""))
	behind(t, sub, pub)
	testkit.Check(t, pub.WaitSubscribers(kit.Watched(t), "", 1))
	events := gateway.NewEvents(sub, &gateway.EventOptions{Options: gateway.Options{Origins: []string{"*"}, WriteTimeout: peer.Watchdog}})
	t.Cleanup(func() { _ = events.Close() })
	return pub, events
}

// behind joins a socket of the gateway to one behind it, and closes both when the test ends.
func behind(t *testing.T, ours, other kit.Socket) {
	t.Helper()
	a := kit.NewAddress(t, "ipc", true)
	kit.Attach(t, other, a)
	a.SpryListens = false
	kit.Attach(t, ours, a)
	kit.WaitPipes(t, other, 1)
}

// echoing is a Rep that sends requests back.
func echoing(t *testing.T) *spry.Rep {
	t.Helper()
	rep := spry.NewRep(&spry.RepOptions{Options: kit.Options})
	served(t, rep, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }))
	return rep
}

// responding is a Respondent that answers each survey.
func responding(t *testing.T, answer func() []byte) *spry.Respondent {
	t.Helper()
	r := spry.NewRespondent(&spry.RespondentOptions{Options: kit.Options})
	served(t, r, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, answer()) }))
	return r
}

func served(t *testing.T, s interface {
	Serve(ctx context.Context, workers int, h spry.Handler) error
	Close() error
}, h spry.Handler,
) {
	t.Helper()
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(t.Context(), 4, h) })
	t.Cleanup(func() {
		_ = s.Close()
		serving.Wait()
	})
}

// SPDX-License-Identifier: MIT

package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/device"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/web"
	"github.com/sprymq/spry/web/jsclient"
)

func redact(address string) string { return urls.Redact(address) }

// A sayFunc says a line.
type sayFunc = func(form string, args ...any)

// A service is a route that works.
type service struct {
	*route
	handler http.Handler
	socket  endpoint.Socket      // towards the peers; nil if there is none
	stats   func() gateway.Stats // nil if nothing is counted
	events  *gateway.Events      // of the kind events
	relay   *device.Relay        // of the kinds stream and websocket
	closers []func()
}

// patterns are the protocols that the patterns of relayed clients are for: of the socket that meets the clients, and of that towards the
// peers, which is as the clients are.
var patterns = map[string][2]spry.Protocol{
	"req": {spry.ProtocolRep, spry.ProtocolReq}, "rep": {spry.ProtocolReq, spry.ProtocolRep},
	"push": {spry.ProtocolPull, spry.ProtocolPush}, "pull": {spry.ProtocolPush, spry.ProtocolPull},
	"pub": {spry.ProtocolSub, spry.ProtocolPub}, "sub": {spry.ProtocolPub, spry.ProtocolSub},
	"survey": {spry.ProtocolRespondent, spry.ProtocolSurveyor}, "respond": {spry.ProtocolSurveyor, spry.ProtocolRespondent},
	"pair": {spry.ProtocolPair1, spry.ProtocolPair1}, "bus": {spry.ProtocolBus, spry.ProtocolBus},
}

// relayed are the names of patterns.
var relayed = slices.Sorted(maps.Keys(patterns))

// library makes the library's options.
func (r *route) library() (spry.Options, error) {
	security, err := r.security.Library()
	o := spry.Options{
		Transports: endpoint.Transports(), Security: security, SendQueue: r.queue, RecvQueue: r.queue,
		SendQueueBytes: r.queueBytes, RecvQueueBytes: r.queueBytes, MaxMessageSize: r.maxMessage, TTL: r.ttl,
	}
	if security != nil {
		o.Dialects = []string{"zmtp"}
	}
	return o, err
}

// open makes the handler and the socket of a route, which has no endpoints yet.
func (r *route) open() (*service, error) {
	s := &service{route: r}
	o, err := r.library()
	if err != nil {
		return nil, err
	}
	overflow, err := endpoint.Overflow(r.overflow)
	if err != nil {
		return nil, err
	}
	var h *gateway.Handler
	switch r.kind {
	case "ask":
		req := spry.NewReq(&spry.ReqOptions{Options: o, Retry: r.retry, FailFast: r.failFast})
		s.socket, h = req, gateway.Ask(req, &r.options.Options)
	case "send":
		if r.pattern == "pub" {
			pub := spry.NewPub(&spry.PubOptions{Options: o, Overflow: overflow})
			s.socket, h = pub, gateway.Send(pub, &r.options.Options)
		} else {
			push := spry.NewPush(&spry.PushOptions{Options: o})
			s.socket, h = push, gateway.Send(push, &r.options.Options)
		}
	case "survey":
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: o, Deadline: r.deadline, Overflow: overflow})
		s.socket, h = surveyor, gateway.Survey(surveyor, &r.options.Options)
	case "events":
		if s.events, err = r.openEvents(s, o, overflow); err != nil {
			return nil, err
		}
		h = s.events.Handler
	case "stream", "websocket":
		protocols := patterns[r.pattern]
		if s.relay, err = device.NewRelay(protocols[0], protocols[1], o, &r.Set); err != nil {
			return nil, err
		}
		s.socket = s.relay.Back()
		if r.kind == "stream" {
			h = gateway.Stream(s.relay.Front(), &r.options.Options)
		} else {
			s.handler = r.tokens.guard(web.Handler(s.relay.Front(), &web.Options{Origins: r.options.Origins, Format: r.format}))
		}
	case "files":
		files, closeFiles, err := serveFiles(r.path, r.folder)
		if err != nil {
			return nil, err
		}
		s.handler = r.tokens.guard(files)
		s.closers = append(s.closers, closeFiles)
	default:
		s.handler = r.tokens.guard(jsclient.Script())
	}
	if h != nil {
		s.handler, s.stats = h, h.Stats
	}
	return s, nil
}

// openEvents makes the socket and the handler of events.
func (r *route) openEvents(s *service, o spry.Options, overflow spry.Overflow) (*gateway.Events, error) {
	if r.pattern == "pull" {
		pull := spry.NewPull(&spry.PullOptions{Options: o})
		s.socket = pull
		return gateway.NewEvents(pull, &r.options), nil
	}
	topics := r.topics
	if len(topics) == 0 {
		topics = []string{""}
	}
	sub := spry.NewSub(&spry.SubOptions{Options: o, Overflow: overflow})
	s.socket = sub
	if err := sub.Subscribe(topics...); err != nil {
		_ = sub.Close()
		return nil, err
	}
	return gateway.NewEvents(sub, &r.options), nil
}

// start opens the endpoints of the socket, and reports of its peers until ctx ends and stopped is waited for.
func (s *service) start(ctx context.Context, say sayFunc, stopped *sync.WaitGroup) error {
	if s.socket == nil {
		return nil
	}
	sayOf := func(form string, args ...any) { say(s.path+": "+form, args...) }
	stopFaults := s.ReportFaults(s.socket, sayOf)
	s.closers = append(s.closers, stopFaults)
	if err := s.Open(ctx, s.socket, sayOf); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	s.closers = append(s.closers, s.ReportTrouble(ctx, s.socket, sayOf))
	if s.relay != nil {
		relaying, stop := context.WithCancel(context.WithoutCancel(ctx))
		s.closers = append(s.closers, stop)
		stopped.Go(func() {
			if err := s.relay.Run(relaying); err != nil && relaying.Err() == nil && !errors.Is(err, spry.ErrClosed) {
				sayOf("%v", err)
			}
		})
	}
	return nil
}

// endStreams ends the streams of the service, which a server that shuts down waits for.
func (s *service) endStreams(ctx context.Context) {
	if s.events != nil {
		_ = s.events.Close()
	}
	if s.relay != nil {
		_ = s.relay.Front().Shutdown(ctx)
	}
}

// close ends the service: the socket sends its queued messages, until ctx ends.
func (s *service) close(ctx context.Context) {
	s.endStreams(ctx)
	for _, end := range slices.Backward(s.closers) {
		end()
	}
	if s.socket != nil {
		_ = s.socket.Shutdown(ctx)
	}
}

// figures are the counters of the service, on a line; "" if there are none.
func (s *service) figures() string {
	var parts []string
	if s.stats != nil {
		stats := s.stats()
		text := fmt.Sprintf("%d requests", stats.Requests)
		for _, status := range slices.Sorted(maps.Keys(stats.Answers)) {
			text += fmt.Sprintf(", %d × %d", stats.Answers[status], status)
		}
		if stats.Open > 0 {
			text += fmt.Sprintf(", %d open", stats.Open)
		}
		if stats.Cut > 0 {
			text += fmt.Sprintf(", %d cut", stats.Cut)
		}
		parts = append(parts, text)
	}
	if s.events != nil {
		stats := s.events.Stats()
		parts = append(parts, fmt.Sprintf("%d events, %d kept, %d missed by streams", stats.Received, stats.Kept, stats.Missed))
	}
	var lost uint64
	if s.relay != nil {
		var toClients uint64
		toClients, lost = s.relay.Lost()
		parts = append(parts, "clients: "+endpoint.Figures(s.relay.Front(), toClients))
	}
	if s.socket != nil {
		parts = append(parts, "peers: "+endpoint.Figures(s.socket, lost))
	}
	if len(parts) == 0 {
		return ""
	}
	return s.path + ": " + strings.Join(parts, "; ")
}

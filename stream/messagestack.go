// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/sprymq/spry/transport"
)

// A messageStack is a URL of messages taken apart: the URL of a stream of bytes, a protocol of messages over it, and filters, which
// are layers over that.
type messageStack struct {
	url      transport.URL // all of it
	below    transport.URL
	protocol string
	agreed   url.Values // the parameters on which both ends have to agree
	begin    func(ctx context.Context, below *Bytes) (*Messages, error)
	filters  []messageFilter // the lowest first
}

// A messageFilter attaches a layer of messages over messages. remote is the peer's address.
type messageFilter func(remote net.Addr, below *Messages) (*Messages, error)

// protocolNames and filterNames are words of URLs, in the order of errors.
var (
	protocolNames = []string{"ws", "prefix", "lines"}
	filterNames   = []string{"throttle", "trace", "fault"}
)

// parseMessages takes a URL of messages apart, except for the layers of bytes. Errors wrap [transport.ErrURL] and name the URL.
func parseMessages(u transport.URL, o setup) (*messageStack, error) {
	s := &messageStack{url: u}
	words := strings.Split(u.Scheme, "+")
	at := slices.IndexFunc(words, func(w string) bool { return slices.Contains(protocolNames, w) })
	switch {
	case at < 0:
		return nil, s.malformed("the scheme has no protocol of messages; there are %s, as in ws+tcp://host:80", strings.Join(protocolNames, ", "))
	case at > maxLayers:
		return nil, s.malformed("%d layers over %s, at most %d are allowed", at, words[at], maxLayers)
	case at == len(words)-1:
		return nil, s.malformed("nothing is below %s; write %s+tcp://host:port", words[at], words[at])
	}
	rest, values, err := u.Parameters()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	s.protocol = words[at]
	s.below = transport.URL{Scheme: strings.Join(words[at+1:], "+"), Address: rest.Address}
	p := params{values: values, used: make(map[string]bool)}
	s.begin = s.protocolOf(&p, o.listen)
	s.agreed = maps.Clone(values)
	maps.DeleteFunc(s.agreed, func(name string, _ []string) bool { return !p.used[name] || name == "message-limit" })
	for _, name := range slices.Backward(words[:at]) {
		f, err := filterOf(name, &p, o.trace)
		if err != nil {
			return nil, s.malformed("%w", err)
		}
		s.filters = append(s.filters, f)
	}
	if p.err != nil {
		return nil, s.malformed("%w", p.err)
	}
	if p.dropUsed(); len(values) > 0 { // which are for the layers of bytes and their base
		if isNamed(s.below.Scheme) {
			return nil, s.malformed("no layer of it has the parameter %.64q", slices.Sorted(maps.Keys(values))[0])
		}
		s.below.Address += "?" + values.Encode()
	}
	return s, nil
}

func (s *messageStack) malformed(form string, args ...any) error {
	return fmt.Errorf("%s: %w: %w", s.url.Redacted(), transport.ErrURL, fmt.Errorf(form, args...))
}

// attach attaches the protocol and the filters to a stream. If that fails, the stream is closed.
func (s *messageStack) attach(ctx context.Context, b *Bytes) (*Messages, error) {
	remote := b.RemoteAddr()
	m, err := s.begin(ctx, b)
	if err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("%s: %w", s.url.Redacted(), err)
	}
	for _, attach := range s.filters {
		over, err := attach(remote, m)
		if err != nil {
			_ = m.Close()
			return nil, fmt.Errorf("%s: %w", s.url.Redacted(), err)
		}
		m = over
	}
	return m, nil
}

// dialable is the URL of a listener of bytes with the protocol.
func (s *messageStack) dialable(below string) string {
	u := s.protocol + "+" + below
	if len(s.agreed) > 0 {
		u += "?" + s.agreed.Encode()
	}
	return u
}

// protocolOf attaches the protocol.
func (s *messageStack) protocolOf(p *params, listen bool) func(context.Context, *Bytes) (*Messages, error) {
	limit := int(p.size("message-limit"))
	if limit == 0 {
		limit = defaultMaxMessage
	}
	switch s.protocol {
	case "ws":
		w := webSocketOf(p, limit)
		if listen {
			w.takeRequests(p)
			return w.serve
		}
		w.ask(s.below)
		return w.dial
	case "prefix":
		size := int(p.size("prefix"))
		switch {
		case size == 0:
			size = 4
		case size > 8:
			p.fail("prefix", "is %d; a size has 1 to 8 bytes", size)
		}
		return func(_ context.Context, b *Bytes) (*Messages, error) { return Prefix(b, size, limit) }
	default:
		return func(_ context.Context, b *Bytes) (*Messages, error) { return Lines(b, limit) }
	}
}

// filterOf returns the filter of a word. An error of its parameters stays in p.
func filterOf(name string, p *params, report TraceFunc) (messageFilter, error) {
	switch name {
	case "throttle":
		return messageThrottleOf(p), nil
	case "trace":
		if report == nil {
			return nil, errNoTrace
		}
		return func(remote net.Addr, below *Messages) (*Messages, error) {
			return TraceMessages(below, func(op Op, message []byte, err error) { report(remote, op, message, err) })
		}, nil
	case "fault":
		return messageFaultOf(p), nil
	}
	return nil, fmt.Errorf("there is no layer %q of messages over messages; there are %s", name, strings.Join(filterNames, ", "))
}

var errNoTrace = errors.New("the layer trace needs a function to report to: set Trace of the options")

func messageThrottleOf(p *params) messageFilter {
	receive, send := p.rates("message-throttle", "message-throttle-receive", "message-throttle-send", p.messageRate)
	if p.err == nil && receive.PerSecond == 0 && send.PerSecond == 0 {
		p.err = errors.New("throttle over messages needs a rate, as in ?message-throttle=100/s, ?message-throttle-receive=5/s or ?message-throttle-send=0.5/s")
	}
	return func(_ net.Addr, below *Messages) (*Messages, error) { return ThrottleMessages(below, receive, send) }
}

func messageFaultOf(p *params) messageFilter {
	f := MessageFaults{
		Delay: p.duration("message-fault-delay"), Loss: p.part("message-fault-loss"),
		StallAt: p.count("message-fault-stall"), CutAt: p.count("message-fault-cut"),
	}
	if p.err == nil && f == (MessageFaults{}) {
		p.err = errors.New("fault over messages needs a fault: ?message-fault-delay=10ms, ?message-fault-loss=0.1, ?message-fault-stall=100 or ?message-fault-cut=100")
	}
	f.Seed = uint64(p.count("message-fault-seed"))
	return func(_ net.Addr, below *Messages) (*Messages, error) { return FaultMessages(below, f, f) }
}

// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/textproto"
	"slices"
	"strings"

	"github.com/sprymq/spry/internal/tlsconfig"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/transport"
)

// maxLayers is the most layers of one URL.
const maxLayers = 16

// A stack is a URL taken apart: a base address, and layers from the lowest to the topmost.
type stack struct {
	url    transport.URL // all of it
	base   transport.URL // what is dialed or listened on, without layers and their parameters
	layers []stackLayer
	target string // of a proxy, which the base is then; else ""
}

// A stackLayer attaches one layer.
type stackLayer struct {
	name   string
	attach func(ctx context.Context, below *Bytes) (*Bytes, error)
}

// A setup is the part of the options that layers need.
type setup struct {
	listen bool
	tls    *tls.Config
	getTLS func(ctx context.Context) (*tls.Config, error)
	trace  TraceFunc
}

// A TraceFunc receives the operations of the layer trace of a URL: those of [Trace], with the remote address.
type TraceFunc func(remote net.Addr, op Op, moved []byte, err error)

// layerNames are the words of URLs, in the order of errors.
var layerNames = []string{"tls", "throttle", "trace", "fault", "socks5", "connect"}

// splitStack returns the layers of a scheme, the topmost first, and its base.
func splitStack(scheme string) (layers []string, base string) {
	words := strings.Split(scheme, "+")
	return words[:len(words)-1], words[len(words)-1]
}

// parseStack takes a URL with layers apart. Errors wrap [transport.ErrURL] and name the URL.
func parseStack(u transport.URL, o setup) (*stack, error) {
	names, base := splitStack(u.Scheme)
	s := &stack{url: u, base: u}
	if len(names) == 0 {
		return s, nil
	}
	if len(names) > maxLayers {
		return nil, s.malformed("%d layers, at most %d are allowed", len(names), maxLayers)
	}
	rest, values, err := u.Parameters()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	s.base = transport.URL{Scheme: base, Address: rest.Address}
	p := params{values: values, used: make(map[string]bool)}
	for _, name := range slices.Backward(names) {
		l := stackLayer{name: name}
		switch name {
		case "tls":
			l.attach, err = s.tls(o)
		case "throttle":
			l.attach, err = throttleOf(&p)
		case "trace":
			l.attach, err = traceOf(o.trace)
		case "fault":
			l.attach, err = faultOf(&p)
		case "socks5", "connect":
			l.attach, err = s.proxy(name, &p, o.listen)
		default:
			err = fmt.Errorf("there is no layer %q; there are %s", name, strings.Join(layerNames, ", "))
			if slices.Contains(protocolNames, name) {
				err = fmt.Errorf("%s makes messages, not bytes: use DialMessages or ListenMessages", name)
			}
		}
		if err != nil {
			return nil, s.malformed("%w", err)
		}
		s.layers = append(s.layers, l)
	}
	return s, s.leave(&p)
}

// leave leaves the parameters that no layer has used to the base, which refuses those that it does not know.
func (s *stack) leave(p *params) error {
	p.dropUsed()
	if len(p.values) == 0 {
		return nil
	}
	if isNamed(s.base.Scheme) {
		return s.malformed("no layer of it has the parameter %.64q", slices.Sorted(maps.Keys(p.values))[0])
	}
	s.base.Address += "?" + p.values.Encode()
	return nil
}

// isNamed reports whether the addresses of a base are names, which have no parameters.
func isNamed(base string) bool {
	return slices.Contains([]string{"ipc", "unix", "abstract", "inproc", "fd"}, base)
}

func (s *stack) malformed(form string, args ...any) error {
	return fmt.Errorf("%s: %w: %w", s.url.Redacted(), transport.ErrURL, fmt.Errorf(form, args...))
}

// named names the whole URL in an error of the base, which names its own.
func (s *stack) named(err error) error {
	if len(s.layers) == 0 {
		return err
	}
	return urls.Rename(err, s.base, s.url)
}

// needsPeer reports whether attaching a layer waits for the peer.
func (s *stack) needsPeer() bool { return s.has("tls") || s.has("socks5") || s.has("connect") }

func (s *stack) has(name string) bool {
	return slices.ContainsFunc(s.layers, func(l stackLayer) bool { return l.name == name })
}

// attach attaches the layers to a connection of the base. If that fails, the connection is closed.
func (s *stack) attach(ctx context.Context, conn net.Conn) (b *Bytes, err error) {
	b = New(conn)
	for _, l := range s.layers {
		if b, err = l.attach(ctx, b); err != nil {
			return nil, fmt.Errorf("%s: layer %s: %w", s.url.Redacted(), l.name, err)
		}
	}
	return b, nil
}

// host is the host that the URL names, or "".
func (s *stack) host() string {
	if isNamed(s.base.Scheme) {
		return ""
	}
	address := s.base.Address
	if s.target != "" {
		address = s.target
	}
	_, target, found := strings.Cut(address, ";")
	if !found {
		target = address
	}
	host, _, err := net.SplitHostPort(target)
	if parts := strings.SplitN(target, ".", 3); err != nil && strings.HasPrefix(target, "_") && len(parts) == 3 {
		host = strings.TrimSuffix(parts[2], ".") // the domain of a service
	}
	host, _, _ = strings.Cut(host, "%")
	return host
}

func (s *stack) tls(o setup) (func(context.Context, *Bytes) (*Bytes, error), error) {
	if o.listen {
		config, err := tlsconfig.Listener(o.tls)
		return func(ctx context.Context, below *Bytes) (*Bytes, error) { return TLSServer(ctx, below, config) }, err
	}
	configs, err := tlsconfig.NewDialer(o.tls, o.getTLS)
	return func(ctx context.Context, below *Bytes) (*Bytes, error) {
		config, err := configs.Config(ctx, s.host()) // the host is known when all layers are parsed
		if err != nil {
			_ = below.Close()
			return nil, err
		}
		return TLSClient(ctx, below, config)
	}, err
}

// proxy makes the base that of a proxy, and the address of the URL its target. name is socks5 or connect.
func (s *stack) proxy(name string, p *params, listen bool) (func(context.Context, *Bytes) (*Bytes, error), error) {
	proxy, user, password := p.text(name), p.text(name+"-user"), p.text(name+"-password")
	switch {
	case listen:
		return nil, fmt.Errorf("%s is for dialing", name)
	case s.target != "":
		return nil, errors.New("there are two proxies; name one")
	case proxy == "" || isNamed(s.base.Scheme):
		return nil, fmt.Errorf("%s needs a proxy, as in %s+tcp://host:port?%s=proxy:1080", name, name, name)
	}
	s.target, s.base.Address = s.base.Address, proxy
	if _, err := socksRequest(s.target); err != nil {
		return nil, err
	}
	if name == "socks5" {
		return func(ctx context.Context, below *Bytes) (*Bytes, error) {
			return SOCKS5(ctx, below, s.target, user, password)
		}, p.err
	}
	header := make(textproto.MIMEHeader)
	if user != "" {
		header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	return func(ctx context.Context, below *Bytes) (*Bytes, error) {
		return HTTPConnect(ctx, below, s.target, header)
	}, p.err
}

func traceOf(report TraceFunc) (func(context.Context, *Bytes) (*Bytes, error), error) {
	if report == nil {
		return nil, errNoTrace
	}
	return func(_ context.Context, below *Bytes) (*Bytes, error) {
		remote := below.RemoteAddr()
		return Trace(below, func(op Op, moved []byte, err error) { report(remote, op, moved, err) })
	}, nil
}

func throttleOf(p *params) (func(context.Context, *Bytes) (*Bytes, error), error) {
	read, write := p.rates("throttle", "throttle-read", "throttle-write", p.rate)
	if p.err == nil && read.PerSecond == 0 && write.PerSecond == 0 {
		p.err = errors.New("throttle needs a rate, as in ?throttle=1MB/s, ?throttle-read=64KiB/s or ?throttle-write=8Mbit/s")
	}
	return func(_ context.Context, below *Bytes) (*Bytes, error) { return Throttle(below, read, write) }, p.err
}

func faultOf(p *params) (func(context.Context, *Bytes) (*Bytes, error), error) {
	f := Faults{
		Delay: p.duration("fault-delay"), ChunkMax: int(p.size("fault-chunk")),
		StallAt: p.size("fault-stall"), CutAt: p.size("fault-cut"),
	}
	if p.err == nil && f == (Faults{}) {
		p.err = errors.New("fault needs a fault: ?fault-delay=10ms, ?fault-chunk=7, ?fault-stall=64KiB or ?fault-cut=1MB")
	}
	return func(_ context.Context, below *Bytes) (*Bytes, error) { return Fault(below, f, f) }, p.err
}

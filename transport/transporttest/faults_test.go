// SPDX-License-Identifier: MIT

package transporttest_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/transporttest"
)

// A fault is a broken transport and the property that must find it out.
type fault struct {
	property string
	broken   faulty
}

// faulty is a working transport with some of its ways replaced. Nil means as it was.
type faulty struct {
	transport.Transport
	url string

	schemes  []string
	dialer   func(transport.URL, error) error
	dial     func(context.Context, transport.Dialer) (transport.Link, error)
	listen   func(transport.URL) transport.URL
	listener func(transport.Listener) transport.Listener
	link     func(transport.Link) transport.Link
}

func (f faulty) Schemes() []string {
	if f.schemes != nil {
		return f.schemes
	}
	return f.Transport.Schemes()
}

func (f faulty) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	d, err := f.Transport.Dialer(u, o)
	if f.dialer != nil {
		err = f.dialer(u, err)
	}
	return faultyDialer{d, f}, err
}

func (f faulty) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	if f.listen != nil {
		u = f.listen(u)
	}
	l, err := f.Transport.Listen(ctx, u, o)
	if err != nil {
		return nil, err
	}
	if f.listener != nil {
		l = f.listener(l)
	}
	return l, nil
}

type faultyDialer struct {
	transport.Dialer
	f faulty
}

func (d faultyDialer) Dial(ctx context.Context) (transport.Link, error) {
	if d.f.dial != nil {
		return d.f.dial(ctx, d.Dialer)
	}
	link, err := d.Dialer.Dial(ctx)
	if err == nil && d.f.link != nil {
		link = d.f.link(link)
	}
	return link, err
}

// faults over links of both kinds.
func faults() map[string]fault {
	memory := func() faulty { return faulty{Transport: transporttest.NewMemory(), url: "memory://*"} }
	overTCP := func() faulty { return faulty{Transport: tcp.Transport{}, url: "tcp://127.0.0.1:0"} }
	all := make(map[string]fault)
	add := func(name, property string, f faulty, breakIt func(*faulty)) {
		breakIt(&f)
		all[name] = fault{property, f}
	}
	onStream := func(wrap func(net.Conn) net.Conn) func(transport.Link) transport.Link {
		return func(l transport.Link) transport.Link {
			s := *l.(*transport.Stream)
			s.Conn = wrap(s.Conn)
			return &s
		}
	}
	onMessages := func(wrap func(transport.Messages) transport.Messages) func(transport.Link) transport.Link {
		return func(l transport.Link) transport.Link { return wrap(l.(transport.Messages)) }
	}

	add("upper case", "schemes are lower case", memory(), func(f *faulty) { f.schemes = []string{"MEMORY"} })
	add("anything goes", "malformed addresses", memory(), func(f *faulty) {
		f.dialer = func(transport.URL, error) error { return nil }
	})
	add("nameless error", "malformed addresses", memory(), func(f *faulty) {
		f.dialer = func(_ transport.URL, err error) error {
			if err != nil {
				return errors.New("no")
			}
			return nil
		}
	})
	add("port 0 in URL", "listener URL", overTCP(), func(f *faulty) {
		f.listener = func(l transport.Listener) transport.Listener { return unresolved{l} }
	})
	add("dead link", "dial without a listener", overTCP(), func(f *faulty) {
		f.dial = func(ctx context.Context, d transport.Dialer) (transport.Link, error) {
			link, err := d.Dial(ctx)
			if err != nil {
				c, _ := net.Pipe()
				return &transport.Stream{Conn: c}, nil
			}
			return link, nil
		}
	})
	add("deaf to context", "dial ends with its context", memory(), func(f *faulty) {
		f.dial = func(_ context.Context, d transport.Dialer) (transport.Link, error) {
			return d.Dial(context.Background())
		}
	})
	add("other name", "an address is listened on once", memory(), func(f *faulty) {
		f.listen = func(u transport.URL) transport.URL { return transport.URL{Scheme: u.Scheme, Address: "*"} }
	})
	add("EOF from accept", "accept after close", memory(), func(f *faulty) {
		f.listener = func(l transport.Listener) transport.Listener { return endsInEOF{l} }
	})
	add("links die too", "links outlive", overTCP(), func(f *faulty) {
		f.listener = func(l transport.Listener) transport.Listener { return &killer{Listener: l} }
	})
	add("no address", "links have addresses", overTCP(), func(f *faulty) {
		f.link = onStream(func(c net.Conn) net.Conn { return homeless{c} })
	})
	add("fickle", "links tell the same", memory(), func(f *faulty) {
		f.link = onMessages(func(m transport.Messages) transport.Messages { return &fickle{Messages: m} })
	})
	add("grumpy close", "close twice", overTCP(), func(f *faulty) {
		f.link = onStream(func(c net.Conn) net.Conn { return grumpy{c} })
	})
	add("flipped bit", "stream: large", overTCP(), func(f *faulty) {
		f.link = onStream(func(c net.Conn) net.Conn { return &flipper{Conn: c} })
	})
	add("full close", "stream: half-close", overTCP(), func(f *faulty) {
		f.link = onStream(func(c net.Conn) net.Conn { return fullCloser{c} })
	})
	add("secretive", "messages: handshake", memory(), func(f *faulty) {
		f.link = onMessages(func(m transport.Messages) transport.Messages { return secretive{m} })
	})
	add("memory of its own", "messages: sizes", memory(), func(f *faulty) {
		f.link = onMessages(func(m transport.Messages) transport.Messages { return homemade{m} })
	})
	add("parrot", "messages: handshake", memory(), func(f *faulty) {
		f.link = onMessages(func(m transport.Messages) transport.Messages { return parrot{m} })
	})
	add("no empty messages", "messages: sizes", memory(), func(f *faulty) {
		f.link = onMessages(func(m transport.Messages) transport.Messages { return padding{m} })
	})
	add("reversed batch", "messages: batches", memory(), func(f *faulty) {
		f.link = onMessages(func(m transport.Messages) transport.Messages { return reverser{m} })
	})
	add("header lost", "messages: batches", memory(), func(f *faulty) {
		f.link = onMessages(func(m transport.Messages) transport.Messages { return headless{m} })
	})
	add("no EOF", "messages: close-write", memory(), func(f *faulty) {
		f.link = onMessages(func(m transport.Messages) transport.Messages { return abrupt{m} })
	})
	return all
}

type unresolved struct{ transport.Listener }

func (unresolved) URL() string { return "tcp://127.0.0.1:0" }

type endsInEOF struct{ transport.Listener }

func (l endsInEOF) Accept() (transport.Link, error) {
	link, err := l.Listener.Accept()
	if err != nil {
		return nil, io.EOF
	}
	return link, nil
}

type killer struct {
	transport.Listener
	mu    sync.Mutex
	links []transport.Link
}

func (k *killer) Accept() (transport.Link, error) {
	link, err := k.Listener.Accept()
	if err == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.links = append(k.links, link)
	}
	return link, err
}

func (k *killer) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, link := range k.links {
		_ = link.Close()
	}
	return k.Listener.Close()
}

type homeless struct{ net.Conn }

func (homeless) RemoteAddr() net.Addr { return nil }

type fickle struct {
	transport.Messages
	asked int64
}

func (f *fickle) Info() transport.Info {
	f.asked++
	info := f.Messages.Info()
	info.MaxMessage = f.asked << 20
	return info
}

type grumpy struct{ net.Conn }

func (g grumpy) Close() error {
	if err := g.Conn.Close(); err != nil {
		return errors.New("closed twice")
	}
	return nil
}

type flipper struct {
	net.Conn
	read int
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if at := 1_000_000 - f.read; 0 <= at && at < n {
		p[at] ^= 1
	}
	f.read += n
	return n, err
}

type fullCloser struct{ net.Conn }

func (c fullCloser) CloseWrite() error { return c.Close() }

type parrot struct{ transport.Messages }

func (p parrot) Handshake(ctx context.Context, offers []transport.Offer, listening bool) (transport.Offer, transport.Hello, error) {
	chosen, _, err := p.Messages.Handshake(ctx, offers, listening)
	return chosen, offers[0].Hello, err
}

type secretive struct{ transport.Messages }

func (s secretive) Handshake(ctx context.Context, offers []transport.Offer, listening bool) (transport.Offer, transport.Hello, error) {
	_, peer, err := s.Messages.Handshake(ctx, offers, listening)
	return transport.Offer{}, peer, err
}

type homemade struct{ transport.Messages }

func (h homemade) ReadMessages(dst [][]byte, _ func([]byte, int) []byte) (int, error) {
	return h.Messages.ReadMessages(dst, func(_ []byte, size int) []byte { return make([]byte, size) })
}

type padding struct{ transport.Messages }

func (m padding) WriteMessages(ps []transport.Packet) (int, error) {
	for i := range ps {
		if len(ps[i].Header)+len(ps[i].Body) == 0 {
			ps[i].Body = []byte{0}
		}
	}
	return m.Messages.WriteMessages(ps)
}

type reverser struct{ transport.Messages }

func (m reverser) WriteMessages(ps []transport.Packet) (int, error) {
	slices.Reverse(ps)
	return m.Messages.WriteMessages(ps)
}

type headless struct{ transport.Messages }

func (m headless) WriteMessages(ps []transport.Packet) (int, error) {
	for i := range ps {
		ps[i].Header = nil
	}
	return m.Messages.WriteMessages(ps)
}

type abrupt struct{ transport.Messages }

func (m abrupt) CloseWrite() error { return m.Close() }

// faultVariable names the fault to the child process of [TestSuiteFindsFaults].
const faultVariable = "SPRY_TRANSPORTTEST_FAULT"

// TestSuiteFindsFaults runs the suite over broken transports, each in a process of its own because a suite
// that finds something fails its test.
func TestSuiteFindsFaults(t *testing.T) {
	all := faults()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			property := strings.ReplaceAll(all[name].property, " ", "_")
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestFaulty$/^"+property)
			cmd.Env = append(os.Environ(), faultVariable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFaulty/"+property) {
				t.Errorf("the suite does not find the fault (%v):\n%s", err, out)
			}
			if strings.Contains(string(out), "panic:") {
				t.Errorf("the suite panics:\n%s", out)
			}
		})
	}
}

// TestFaulty is what the child processes run.
func TestFaulty(t *testing.T) {
	name := os.Getenv(faultVariable)
	if name == "" {
		t.Skip("runs in the child processes of TestSuiteFindsFaults")
	}
	f := faults()[name].broken
	transporttest.Run(t, f, transporttest.Options{
		URL:       func(*testing.T) string { return f.url },
		Malformed: []string{"memory://", "tcp://"},
	})
}

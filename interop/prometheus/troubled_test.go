// SPDX-License-Identifier: MIT

package prometheus_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testcert"
)

// A system of sockets that goes on until the test ends, as busy as is needed for each figure to change.
type system struct {
	t    *testing.T
	ctx  context.Context
	jobs sync.WaitGroup
}

// troubled runs sockets with every trouble that the dashboard and the rules know.
func troubled(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &system{t: t, ctx: ctx}
	t.Cleanup(s.jobs.Wait)
	s.slowReceiver()
	s.slowSubscribers()
	s.wrongPeer()
	s.requests()
	s.resets()
	s.lonely()
	t.Cleanup(cancel) // the first of all
}

// often calls f until the test ends.
func (s *system) often(f func() error) {
	s.jobs.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			if err := f(); err != nil && s.ctx.Err() == nil {
				s.t.Errorf("the system: %v", err)
				return
			}
			select {
			case <-s.ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	})
}

// options are those of all sockets of the system.
func options(name string) spry.Options {
	return spry.Options{
		Name: name, SendQueue: 2, RecvQueue: 2, Backoff: spry.Backoff{Min: 50 * time.Millisecond, Max: 100 * time.Millisecond},
	}
}

// meet has b dial a.
func (s *system) meet(a, b *spry.Socket, dialers, listeners *tls.Config) {
	s.t.Helper()
	url := "tcp://127.0.0.1:0"
	if dialers != nil {
		url = "tls+" + url
	}
	l, err := a.ListenWith(s.ctx, &spry.ListenConfig{URL: url, TLS: listeners})
	s.check(err)
	_, err = b.DialWith(s.ctx, &spry.DialConfig{URL: l.URL(), TLS: dialers, Background: true})
	s.check(err)
	s.closed(a, b)
}

// closed closes sockets when the test ends.
func (s *system) closed(sockets ...*spry.Socket) {
	for _, one := range sockets {
		s.t.Cleanup(func() { _ = one.Close() })
	}
}

func (s *system) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// A Pull that does not receive: messages age, and Send blocks.
func (s *system) slowReceiver() {
	pull, push := spry.NewPull(&spry.PullOptions{Options: options("slow")}), spry.NewPush(&spry.PushOptions{Options: options("jobs")})
	s.meet(&pull.Socket, &push.Socket, nil, nil)
	body := make([]byte, 1<<20)
	s.often(func() error {
		ctx, cancel := context.WithTimeout(s.ctx, 500*time.Millisecond)
		defer cancel()
		if err := push.Send(ctx, body); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil
	})
}

// Subscribers that do not receive: one drops messages, the other makes its publisher drop them.
func (s *system) slowSubscribers() {
	for _, overflow := range []spry.Overflow{spry.DropNewest, spry.Block} {
		pub := spry.NewPub(&spry.PubOptions{Options: options("news")})
		sub := spry.NewSub(&spry.SubOptions{Options: options("reader"), Overflow: overflow})
		s.check(sub.Subscribe(""))
		s.meet(&pub.Socket, &sub.Socket, nil, nil)
		body := make([]byte, 1<<18)
		s.often(func() error { return pub.Send(s.ctx, body) })
	}
}

// A Push that dials a Pub: both refuse, and the Push dials again.
func (s *system) wrongPeer() {
	pub, push := spry.NewPub(&spry.PubOptions{Options: options("misdialed")}), spry.NewPush(&spry.PushOptions{Options: options("misled")})
	s.meet(&pub.Socket, &push.Socket, nil, nil)
}

// Requests by TLS with a certificate that expires soon, of which some fail and some make the handler panic.
func (s *system) requests() {
	authority := testcert.NewAuthority(s.t)
	server := authority.Server(s.t)
	server.Certificates = []tls.Certificate{authority.IssueWith(s.t, nil, "localhost", func(c *x509.Certificate) {
		c.NotAfter = time.Now().Add(24 * time.Hour)
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	})}
	rep, req := spry.NewRep(&spry.RepOptions{Options: options("service")}), spry.NewReq(&spry.ReqOptions{Options: options("client")})
	s.meet(&rep.Socket, &req.Socket, authority.Client(s.t, "client"), server)
	s.jobs.Go(func() {
		_ = rep.Serve(s.ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { // until the test ends
			switch string(r.Bytes()) {
			case "fail":
				r.Fail(errors.New("planted"))
			case "panic":
				panic("planted")
			default:
				_ = r.Reply(ctx, r.Bytes())
			}
		}))
	})
	s.often(func() error {
		for _, body := range []string{"echo", "fail", "panic"} {
			ctx, cancel := context.WithTimeout(s.ctx, 100*time.Millisecond)
			_, err := req.Do(ctx, []byte(body))
			cancel()
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
		}
		return nil
	})
}

// A peer that resets each connection after some messages.
func (s *system) resets() {
	l, err := new(net.ListenConfig).Listen(s.ctx, "tcp", "127.0.0.1:0")
	s.check(err)
	s.t.Cleanup(func() { _ = l.Close() })
	s.jobs.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("\x00SP\x00\x00\x51\x00\x00")) // a pull socket
			_, _ = io.ReadFull(c, make([]byte, 30))
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	})
	push := spry.NewPush(&spry.PushOptions{Options: options("unlucky")})
	_, err = push.Connect("tcp://" + l.Addr().String())
	s.check(err)
	s.closed(&push.Socket)
	s.often(func() error { return push.Send(s.ctx, []byte("hello")) })
}

// A socket without peers.
func (s *system) lonely() {
	rep := spry.NewRep(&spry.RepOptions{Options: options("lonely")})
	_, err := rep.Listen(s.ctx, "tcp://127.0.0.1:0")
	s.check(err)
	s.closed(&rep.Socket)
}

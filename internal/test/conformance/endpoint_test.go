// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"crypto/tls"
	"errors"
	"iter"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/urls"
)

// quick makes dialers try again at once.
func quick(o *spry.Options) {
	o.Backoff = spry.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
}

// An endpoint tells its address: one that a peer can dial.
func TestEndpointsKnowTheirAddress(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		e := w.listen(t, pull)
		if !e.Listening() || !strings.HasPrefix(e.URL(), w.scheme+"://") || strings.HasSuffix(e.URL(), ":0") || e.Addr() == nil {
			t.Errorf("a listener says: %v %q %v", e.Listening(), e.URL(), e.Addr())
		}
		d := testkit.DialTo(t, push, e)
		if d.Listening() || d.URL() != e.URL() {
			t.Errorf("its dialer says: %v %q", d.Listening(), d.URL())
		}
		testkit.Check(t, pull.WaitPipes(testkit.Watchdog(t), 1))
		for at, end := range map[*spry.Endpoint]interface{ Stats() spry.Stats }{e: pull, d: push} {
			pipes := 0
			for p := range at.Pipes() {
				pipes++
				if p.Endpoint() != at || p.ID() == 0 || p.LocalAddr() == nil || p.RemoteAddr() == nil || p.Err() != nil {
					t.Errorf("the pipe of %q: %v, id %d, from %v to %v: %v", at.URL(), p.Endpoint(), p.ID(), p.LocalAddr(), p.RemoteAddr(), p.Err())
				}
				if counterpart(p.Protocol()) != p.PeerProtocol() {
					t.Errorf("a %v talks to a %v", p.Protocol(), p.PeerProtocol())
				}
				if (p.TLS() != nil) != w.secured() {
					t.Errorf("TLS on %s: %v", w.scheme, p.TLS())
				}
			}
			s := end.Stats().Endpoints
			if pipes != 1 || len(s) != 1 || s[0].URL != at.URL() || s[0].Pipes != 1 || s[0].Established != 1 || s[0].Listening != at.Listening() {
				t.Errorf("%d pipes, and the figures %+v", pipes, s)
			}
		}
		testkit.Shut(t, push, pull)
		if pull.Stats().Pipes != nil || push.Stats().Endpoints != nil {
			t.Errorf("closed sockets have pipes %v and endpoints %v", pull.Stats().Pipes, push.Stats().Endpoints)
		}
	})
}

// Connect does not need the peer to be there, and what waits goes out when it comes.
func TestConnectBeforeListen(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		quick(&w.options)
		first := spry.NewPull(&spry.PullOptions{Options: w.options})
		url := w.listen(t, first).URL()
		testkit.Shut(t, first)

		push := spry.NewPush(&spry.PushOptions{Options: w.options})
		d := testkit.DialerAt(url)
		d.Background = true
		e, err := push.DialWith(ctx, d)
		testkit.Check(t, err)
		sent := make(chan error, 1)
		go func() { sent <- push.Send(ctx, []byte("early")) }()
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		testkit.ListenAt(t, pull, url)
		got, err := pull.Recv(ctx)
		testkit.Check(t, err)
		if string(got) != "early" {
			t.Errorf("got %q", got)
		}
		testkit.Check(t, <-sent)
		testkit.Check(t, e.Wait(ctx))
		testkit.Shut(t, push, pull)
	})
}

// Dial fails at once where nobody listens, and leaves nothing behind.
func TestDialWithoutListener(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		url := w.listen(t, pull).URL()
		testkit.Shut(t, pull)
		push := spry.NewPush(&spry.PushOptions{Options: w.options})
		e, err := push.DialWith(testkit.Watchdog(t), testkit.DialerAt(url))
		if op, ok := errors.AsType[*spry.OpError](err); e != nil || !ok || op.URL != url || !strings.Contains(err.Error(), url) {
			t.Errorf("Dial: %v, %v; want an error that names %s", e, err, url)
		}
		if s := push.Stats(); len(s.Endpoints) != 0 {
			t.Errorf("a failed Dial leaves %+v", s.Endpoints)
		}
		testkit.Shut(t, push)
	})
}

// A listener that ends and comes back at its address is found again, and what was sent meanwhile arrives.
func TestListenerRestarts(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		quick(&w.options)
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		e := w.listen(t, pull)
		d := testkit.DialTo(t, push, e)
		for i := range 3 {
			for p := range d.Pipes() {
				testkit.Check(t, e.Close())
				<-p.Done()
			}
			sent := make(chan error, 1)
			go func() { sent <- push.Send(ctx, []byte{byte(i)}) }()
			e = testkit.ListenAt(t, pull, e.URL())
			got, err := pull.Recv(ctx)
			testkit.Check(t, err)
			if got[0] != byte(i) {
				t.Errorf("after restart %d came %d", i, got[0])
			}
			testkit.Check(t, <-sent)
			testkit.Check(t, d.Wait(ctx))
		}
		testkit.Shut(t, push, pull)
	})
}

// A socket has any number of endpoints, of any transports, at once.
func TestManyEndpoints(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	pull := spry.NewPull(nil)
	push := spry.NewPush(nil)
	schemes := []string{"inproc", "ipc", "tcp", "tls+tcp", "inproc", "ipc", "tcp", "tls+tcp"}
	var ends []*spry.Endpoint
	for _, scheme := range schemes {
		e := testkit.ListenOn(t, pull, scheme)
		testkit.DialTo(t, push, e)
		ends = append(ends, e)
	}
	testkit.Check(t, pull.WaitPipes(ctx, len(schemes)))
	for range schemes {
		testkit.Check(t, push.Send(ctx, []byte("one each")))
	}
	from := map[*spry.Endpoint]int{}
	for range schemes {
		m, err := pull.RecvMsg(ctx)
		testkit.Check(t, err)
		from[m.Pipe().Endpoint()]++
	}
	for _, e := range ends {
		if from[e] != 1 {
			t.Errorf("%d messages came by %s, want 1", from[e], e.URL())
		}
	}
	testkit.Check(t, ends[0].Close())
	testkit.Eventually(t, "one endpoint's pipes are over", func() bool { return len(push.Stats().Pipes) == len(schemes)-1 })
	testkit.Check(t, push.Send(ctx, []byte("others")))
	_, err := pull.Recv(ctx)
	testkit.Check(t, err)
	testkit.Shut(t, push, pull)
}

// Whom Authorize refuses gets no pipe; both ends count and tell it, and others are served.
func TestRefusalsAreCountedAndReported(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		reason := errors.New("not on the list")
		var once sync.Once
		mine := w.options
		mine.Authorize = func(_ context.Context, p *spry.Pipe) (err error) {
			if p.PeerProtocol() != spry.ProtocolPush || p.RemoteAddr() == nil {
				t.Errorf("Authorize is asked about a %v at %v", p.PeerProtocol(), p.RemoteAddr())
			}
			once.Do(func() { err = reason })
			return err
		}
		pull := spry.NewPull(&spry.PullOptions{Options: mine})
		events := pull.Events(ctx)
		e := w.listen(t, pull)
		refused := spry.NewPush(&spry.PushOptions{Options: w.options})
		_, _ = refused.DialWith(ctx, testkit.DialerTo(e)) // may learn of it only later, and be let in the next time
		testkit.Eventually(t, "the peer is refused", func() bool { return pull.Stats().Rejected["refused"] == 1 })
		testkit.Check(t, refused.Close())
		push := spry.NewPush(&spry.PushOptions{Options: w.options})
		testkit.DialTo(t, push, e)
		carry(t, push, pull)
		testkit.Shut(t, push, pull)
		refusals := 0
		for v := range events {
			if v.Kind == spry.EventReject {
				refusals++
				if v.Reason != "refused" || v.RemoteAddr == nil || v.Endpoint != e || !errors.Is(v.Err, spry.ErrRefused) || !errors.Is(v.Err, reason) {
					t.Errorf("the event of a refusal: %+v", v)
				}
			}
		}
		if refusals != 1 {
			t.Errorf("%d events of a refusal, want 1", refusals)
		}
	})
}

// With mutual TLS both ends know the other's certificate, and who has none is refused.
func TestMutualTLS(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	server, client := testkit.Certificates()
	strict, known := server.Clone(), client.Clone()
	strict.ClientAuth, strict.ClientCAs = tls.RequireAndVerifyClientCert, client.RootCAs
	known.Certificates = server.Certificates
	asked := make(chan string, 1)
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Authorize: func(_ context.Context, p *spry.Pipe) error {
		asked <- p.TLS().PeerCertificates[0].Subject.CommonName
		return nil
	}}})
	e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: "tls+tcp://127.0.0.1:0", TLS: strict})
	testkit.Check(t, err)
	stranger, push := spry.NewPush(nil), spry.NewPush(nil)
	_, _ = stranger.DialWith(ctx, testkit.DialerTo(e)) // TLS 1.3 clients learn only later that their certificate is missing
	testkit.Eventually(t, "the stranger is refused", func() bool { return testkit.Sum(pull.Stats().Rejected) > 0 })
	testkit.Check(t, stranger.Close())
	_, err = push.DialWith(ctx, &spry.DialConfig{URL: e.URL(), TLS: known})
	testkit.Check(t, err)
	if name := <-asked; name != "testkit" {
		t.Errorf("Authorize sees a peer named %q", name)
	}
	testkit.Check(t, pull.WaitPipes(ctx, 1))
	for p := range push.Pipes() {
		if state := p.TLS(); state == nil || len(state.PeerCertificates) != 1 || len(state.VerifiedChains) == 0 {
			t.Errorf("the dialer knows of its peer: %+v", state)
		}
	}
	carry(t, push, pull)
	testkit.Shut(t, push, pull)
}

// The operating system says who is at the other end of an ipc connection.
func TestCredsOnIPC(t *testing.T) {
	leak.Check(t)
	if runtime.GOOS != "linux" {
		t.Skip("the credentials that are known differ by operating system; this checks those of Linux")
	}
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "ipc"))
	testkit.Check(t, pull.WaitPipes(testkit.Watchdog(t), 1))
	for name, pipes := range map[string]iter.Seq[*spry.Pipe]{"dialer": push.Pipes(), "listener": pull.Pipes()} {
		for p := range pipes {
			if c := p.Creds(); c == nil || c.PID != os.Getpid() || c.UID != os.Getuid() || c.GID != os.Getgid() {
				t.Errorf("the %s knows of its peer: %+v", name, c)
			}
		}
	}
	testkit.Shut(t, push, pull)
}

// Many may close a socket at once, under load: each returns when it is closed, with the same result.
func TestCloseConcurrently(t *testing.T) {
	run(t, func(t *testing.T, l link) {
		ctx := testkit.Watchdog(t)
		l.options.Linger = 50 * time.Millisecond // nobody receives what is queued when both are closed
		push, pull := spry.NewPush(&spry.PushOptions{Options: l.options}), spry.NewPull(&spry.PullOptions{Options: l.options})
		l.join(t, push, pull)
		sending := make(chan error, 1)
		go func() {
			for {
				if err := push.Send(ctx, make([]byte, 1000)); err != nil {
					sending <- err
					return
				}
			}
		}()
		for range 100 {
			_, err := pull.Recv(ctx)
			testkit.Check(t, err)
		}
		var closing sync.WaitGroup
		results := make(chan error, 16)
		for range cap(results) / 2 {
			closing.Go(func() { results <- push.Close() })
			closing.Go(func() { results <- pull.Close() })
		}
		closing.Wait()
		if err := <-sending; !errors.Is(err, spry.ErrClosed) {
			t.Errorf("Send while the socket was closed: %v", err)
		}
		for range cap(results) {
			if err := <-results; err != nil && !errors.Is(err, spry.ErrUnsent) {
				t.Errorf("Close: %v", err)
			}
		}
		if why := testkit.Unbalanced(push.Stats()); why != "" {
			t.Error(why)
		}
		if why := testkit.Unbalanced(pull.Stats()); why != "" {
			t.Error(why)
		}
	})
}

// A password in a URL, which no transport here has a use for, is refused and not shown.
func TestPasswordInURLIsNotShown(t *testing.T) {
	push := spry.NewPush(nil)
	defer push.Close()
	for _, url := range []string{
		"tcp://ali:hunter2@127.0.0.1:1", "tls+tcp://ali:hunter2@127.0.0.1:1", "zmtp+tcp://ali:hunter2@127.0.0.1:1",
		"nosuch://ali:hunter2@127.0.0.1:1", "ali:hunter2@127.0.0.1:1", "tcp://ali:hunter2@127.0.0.1:x", "1tcp://ali:hunter2@h:1",
		"tcp://[ali:hunter2@127.0.0.1]:1", "tcp://ali:hunter2@eth0;127.0.0.1:1", "tcp://ali:hunter2@127.0.0.1:*",
	} {
		_, dialed := push.Dial(testkit.Watchdog(t), url)
		_, connected := push.Connect(url)
		_, listening := push.Listen(testkit.Watchdog(t), url)
		for _, err := range []error{dialed, connected, listening} {
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", urls.Redact(url), err)
			}
		}
	}
}

// A connection that breaks is made anew, and a listener that comes back is found again.
func TestReconnect(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		w.options.Backoff = spry.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}
		push, pull := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPull(&spry.PullOptions{Options: w.options})
		e := w.listen(t, pull)
		d := testkit.DialTo(t, push, e)
		for range 3 {
			for p := range d.Pipes() {
				testkit.Check(t, p.Close())
				<-p.Done()
			}
			testkit.Check(t, d.Wait(ctx))
			testkit.Check(t, push.Send(ctx, []byte("again")))
			_, err := pull.Recv(ctx)
			testkit.Check(t, err)
		}
		testkit.Shut(t, push, pull)
	})
}

// TLS on a unix socket is not ipc, and its URL says so. Without a certificate, no peer could ever connect, and the listener is closed.
func TestServeTLSOverUnixSockets(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	testkit.Check(t, err)
	pull := spry.NewPull(nil)
	server, _ := testkit.Certificates()
	e, err := pull.ListenOn(l, &spry.ListenConfig{TLS: server})
	testkit.Check(t, err)
	if want := "tls+unix://" + l.Addr().String(); e.URL() != want {
		t.Errorf("the URL is %s, want %s", e.URL(), want)
	}
	bare, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	_, err = pull.ListenOn(bare, &spry.ListenConfig{TLS: &tls.Config{}})
	testkit.Wants(t, err, spry.ErrConfig, "needs a certificate")
	if _, err := bare.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener that was refused: %v", err)
	}
	testkit.Check(t, pull.Close())
}

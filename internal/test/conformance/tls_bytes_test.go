// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
)

// T14: a peer that speaks nothing newer than TLS 1.1 is refused, and both ends say which version is needed.
func TestOldTLSIsRefused(t *testing.T) {
	const remedy = "the peer must speak TLS 1.2 or later"
	a := testcert.NewAuthority(t)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		overWires(t, secureWires, func(t *testing.T, w wireUnderTest) {
			ctx := testkit.Watchdog(t)
			pull, push := spry.NewPull(&spry.PullOptions{Options: w.options}), spry.NewPush(&spry.PushOptions{Options: w.options})
			rejected := make(chan error, 1)
			events := pull.Events(ctx) // registered here, not when the goroutine begins
			go func() {
				for e := range events {
					if e.Kind == spry.EventReject {
						rejected <- e.Err
						return
					}
				}
				rejected <- errors.New("no event")
			}()
			server := &tls.Config{Certificates: []tls.Certificate{a.Issue(t, "server", testkit.Host)}, MinVersion: tls.VersionTLS10}
			e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: testkit.Address(t, w.scheme), TLS: server})
			testkit.Check(t, err)
			old := testkit.BareBelow(t, e)
			if err := tls.Client(old, &tls.Config{RootCAs: a.Pool, ServerName: testkit.Host, MinVersion: tls.VersionTLS10, MaxVersion: version}).HandshakeContext(ctx); err == nil {
				t.Error("the listener speaks an old version")
			}
			if err := <-rejected; !strings.Contains(err.Error(), remedy) || !strings.Contains(err.Error(), e.URL()) {
				t.Errorf("the listening end says %v", err)
			}

			l, err := net.Listen("tcp", testkit.Host+":0")
			testkit.Check(t, err)
			defer l.Close()
			go func() {
				if c, err := l.Accept(); err == nil {
					server := server.Clone()
					server.MaxVersion = version
					_ = tls.Server(c, server).HandshakeContext(ctx)
					_ = c.Close()
				}
			}()
			_, err = push.DialWith(ctx, &spry.DialConfig{URL: w.scheme + "://" + l.Addr().String(), TLS: &tls.Config{RootCAs: a.Pool, MinVersion: tls.VersionTLS10}})
			if err == nil || !strings.Contains(err.Error(), remedy) || !strings.Contains(err.Error(), l.Addr().String()) {
				t.Errorf("the dialing end says %v", err)
			}
			testkit.Shut(t, push, pull)
		})
	}
}

// T14: a peer whose first message ends early is refused, wherever it ends.
func TestTruncatedHello(t *testing.T) {
	var hello []byte
	near, far := net.Pipe()
	go func() {
		_ = tls.Client(near, &tls.Config{ServerName: "server"}).Handshake()
	}()
	hello = make([]byte, 4<<10)
	n, err := far.Read(hello)
	testkit.Check(t, err)
	_, _ = far.Close(), near.Close()
	hello = hello[:n]
	overWires(t, []string{"tls+tcp", "wss"}, func(t *testing.T, w wireUnderTest) {
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		e := testkit.ListenOn(t, pull, w.scheme)
		step := testkit.Figure(37, 1)
		peers := 0
		for end := 1; end < len(hello); end += step {
			b := testkit.BareBelow(t, e)
			b.Say(t, hello[:end])
			testkit.Check(t, b.Close())
			peers++
		}
		testkit.Eventually(t, "all are refused", func() bool { return testkit.Sum(pull.Stats().Rejected) == uint64(peers) })
		testkit.Shut(t, pull)
		if n := pull.Stats().Rejected[spry.ReasonSecurity]; n != uint64(peers) {
			t.Errorf("counted as %v", pull.Stats().Rejected)
		}
	})
}

// A flipper is a connection that flips one bit of what one direction carries.
type flipper struct {
	net.Conn
	written, read *atomic.Int64
	inRead        bool
	at            int64 // byte; -1 = none
	bit           byte
}

func (f *flipper) Write(p []byte) (int, error) {
	if from := f.written.Add(int64(len(p))) - int64(len(p)); !f.inRead && f.at >= from && f.at < from+int64(len(p)) {
		p = append([]byte(nil), p...)
		p[f.at-from] ^= f.bit
	}
	return f.Conn.Write(p)
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if from := f.read.Add(int64(n)) - int64(n); f.inRead && f.at >= from && f.at < from+int64(n) {
		p[f.at-from] ^= f.bit
	}
	return n, err
}

// T14: of a handshake with one flipped bit, in TLS or in the protocol inside, nothing comes: no pipe at the dialing end, and no
// message at the listening one.
func TestFlippedBits(t *testing.T) {
	a := testcert.NewAuthority(t)
	server, client := a.MutualServer(t), a.Client(t, "client")
	server.Certificates = []tls.Certificate{a.Issue(t, "server", testkit.Host)}
	flips := testkit.Figure(60, 2500)
	overWires(t, secureWires, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		w.options.HandshakeTimeout = 300 * time.Millisecond // a length that grew is awaited
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: testkit.Address(t, w.scheme), TLS: server})
		testkit.Check(t, err)
		connect := func(f flipper) (*spry.Push, error) {
			push := spry.NewPush(&spry.PushOptions{Options: w.options})
			_, err := push.DialWith(ctx, &spry.DialConfig{
				URL: e.URL(), TLS: client, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					c, err := new(net.Dialer).DialContext(ctx, network, address)
					f.Conn = c
					return &f, err
				},
			})
			return push, err
		}
		var written, read atomic.Int64
		for err = context.DeadlineExceeded; err != nil; {
			written.Store(0)
			read.Store(0)
			var push *spry.Push
			push, err = connect(flipper{written: &written, read: &read, at: -1})
			testkit.Check(t, push.Close())
		}
		up, down := written.Load(), read.Load()
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test that can be repeated
		var wg sync.WaitGroup
		slots := make(chan struct{}, 16)
		for range flips {
			f := flipper{written: new(atomic.Int64), read: new(atomic.Int64), inRead: random.IntN(2) == 0, bit: 1 << random.IntN(8)}
			// Bytes 1 and 2 of the first record are a version that nobody reads. The last records end a handshake inside TLS: the
			// dialing end may have a pipe before they are read.
			f.at = 3 + random.Int64N(up-110)
			if f.inRead {
				f.at = 3 + random.Int64N(min(down, 1000)-40)
			}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				push, err := connect(f)
				if err == nil {
					t.Errorf("bit %#x of byte %d, read %t, of %d and %d, was not noticed; seed %d", f.bit, f.at, f.inRead, up, down, seed)
				}
				_ = push.Close()
			})
		}
		wg.Wait()
		testkit.Check(t, pull.Close())
		st := pull.Stats()
		if st.Recv.Arrived+st.Recv.Bytes != 0 {
			t.Errorf("messages arrived: %+v", st.Recv)
		}
		t.Logf("T14: %d handshakes with a flipped bit were refused: %v", flips, st.Rejected)
	})
}

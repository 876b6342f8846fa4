// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A closed listener takes its pipes with it and leaves the socket's others alone.
func TestEndpointClosesItsPipes(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		w.options.Backoff = spry.Backoff{Min: time.Hour, Max: time.Hour}
		pull := spry.NewPull(&spry.PullOptions{Options: w.options})
		stays, goes := w.listen(t, pull), w.listen(t, pull)
		a, b := spry.NewPush(&spry.PushOptions{Options: w.options}), spry.NewPush(&spry.PushOptions{Options: w.options})
		testkit.DialTo(t, a, stays)
		d := testkit.DialTo(t, b, goes)
		var left *spry.Pipe
		for p := range d.Pipes() {
			left = p
		}
		testkit.Check(t, pull.WaitPipes(testkit.Watchdog(t), 2))
		testkit.Check(t, goes.Close())
		<-left.Done()
		if err := left.Err(); !errors.Is(err, io.EOF) {
			t.Errorf("the peer's pipe ended with %v, want its orderly end", err)
		}
		carry(t, a, pull)
		if s := pull.Stats(); len(s.Endpoints) != 1 || s.Endpoints[0].URL != stays.URL() {
			t.Errorf("the socket's endpoints are %+v", s.Endpoints)
		}
		ctx, cancel := context.WithTimeout(testkit.Watchdog(t), 10*time.Millisecond)
		defer cancel()
		if err := b.Send(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Send without a pipe: %v, want its deadline", err)
		}
		testkit.Shut(t, a, b, pull)
	})
}

// Endpoints have IDs by which snapshots tell them apart: two dialers to one address, and one that takes the place of another.
func TestEndpointsHaveIDs(t *testing.T) {
	leak.Check(t)
	pull, push := spry.NewPull(nil), spry.NewPush(nil)
	defer testkit.Shut(t, pull, push)
	at := testkit.ListenOn(t, pull, "inproc")
	first := testkit.DialTo(t, push, at)
	testkit.DialTo(t, push, at)
	earlier := push.Stats()
	testkit.Check(t, first.Close())
	testkit.DialTo(t, push, at)
	now := push.Stats()
	if len(earlier.Endpoints) != 2 || len(now.Endpoints) != 2 {
		t.Fatalf("%+v, then %+v", earlier.Endpoints, now.Endpoints)
	}
	a, b, kept, made := earlier.Endpoints[0].ID, earlier.Endpoints[1].ID, now.Endpoints[0].ID, now.Endpoints[1].ID
	if a == 0 || a == b || kept != b || made == a || made == b {
		t.Errorf("two dialers have the IDs %d and %d; without the first and with one more %d and %d", a, b, kept, made)
	}
	if d := now.Since(earlier); d.Endpoints[0].Established != 0 || d.Endpoints[1].Established != 1 {
		t.Errorf("since then the one that stayed made %d connections, and the new one %d", d.Endpoints[0].Established, d.Endpoints[1].Established)
	}
}

// A closed address takes no new connections, and those that are there go on.
func TestStopListeningKeepsPipes(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		pull, push := spry.NewPull(&spry.PullOptions{Options: w.options}), spry.NewPush(&spry.PushOptions{Options: w.options})
		late := spry.NewPush(&spry.PushOptions{Options: w.options})
		e := w.listen(t, pull)
		d := testkit.DialTo(t, push, e)
		testkit.Check(t, pull.WaitPipes(testkit.Watchdog(t), 1))
		testkit.Check(t, e.StopListening())
		carry(t, push, pull)
		if _, err := late.DialWith(testkit.Watchdog(t), testkit.DialerTo(e)); err == nil {
			t.Error("a connection was made after StopListening")
		}
		again := spry.NewPull(&spry.PullOptions{Options: w.options})
		testkit.ListenAt(t, again, e.URL()) // the address is free
		testkit.Check(t, d.StopListening())
		carry(t, push, pull)
		testkit.Shut(t, push, late, pull, again)
	})
}

// Whatever a Dial waits for when its socket is closed, it fails with ErrClosed.
func TestCloseDuringDial(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	defer deaf.Close()
	dialing := make(chan struct{}, 1)
	usual := net.DefaultResolver
	defer func() { net.DefaultResolver = usual }()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		select {
		case dialing <- struct{}{}:
		default: // it asks for both families, and each server
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	for name, c := range map[string]*spry.DialConfig{
		"resolving": {URL: "tcp://far.example:1"},
		"connecting": {URL: "tcp://far.example:1", DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			dialing <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}},
		"shaking hands": {URL: "tcp://" + deaf.Addr().String(), DialContext: func(ctx context.Context, n, a string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, n, a)
			dialing <- struct{}{}
			return c, err
		}},
		"in TLS": {
			URL: "tls+tcp://" + deaf.Addr().String(), TLS: &tls.Config{ServerName: "far.example"},
			DialContext: func(ctx context.Context, n, a string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, n, a)
				dialing <- struct{}{}
				return c, err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			for len(dialing) > 0 { // of the case before
				<-dialing
			}
			push := spry.NewPush(nil)
			outcome := make(chan error, 1)
			go func() {
				_, err := push.DialWith(context.Background(), c)
				outcome <- err
			}()
			<-dialing
			testkit.Check(t, push.Close())
			if err := <-outcome; !errors.Is(err, spry.ErrClosed) {
				t.Errorf("Dial: %v, want ErrClosed", err)
			}
		})
	}
}

// A Pair that is refused because its peer has another one learns it from its endpoint.
func TestRefusedPairIsReported(t *testing.T) {
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		w.options.Backoff = spry.Backoff{Min: time.Hour, Max: time.Hour}
		served := w.options
		quick(&served)
		server, first := spry.NewPair(&spry.PairOptions{Options: served}), spry.NewPair(&spry.PairOptions{Options: served})
		second := spry.NewPair(&spry.PairOptions{Options: w.options})
		e := w.listen(t, server)
		testkit.DialTo(t, first, e)
		testkit.Check(t, server.WaitPipes(testkit.Watchdog(t), 1))
		d, err := second.DialWith(testkit.Watchdog(t), testkit.DialerTo(e))
		if err == nil { // only a dialect that can tell refuses the Dial itself
			for ctx := testkit.Watchdog(t); d.Err() == nil; {
				if ctx.Err() != nil {
					t.Fatal("the endpoint of the refused Pair reports no error")
				}
				runtime.Gosched()
			}
		}
		testkit.Shut(t, first, second, server)
	})
}

func TestWaitEndsWithItsEndpoint(t *testing.T) {
	o := testkit.Private()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()
	e, err := push.Connect("inproc://never")
	testkit.Check(t, err)
	go e.Close()
	if err := e.Wait(testkit.Watchdog(t)); !errors.Is(err, spry.ErrClosed) {
		t.Errorf("Wait on an endpoint that ended: %v, want ErrClosed", err)
	}
}

// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
)

// A peer that does nothing, that only reads, or that says what it has to say too slowly, on a connection whose writes
// wait for reads: Attach ends with the handshake's time, whichever end it is, and closes the connection.
func TestAttachDeadline(t *testing.T) {
	peers := map[string]func(c net.Conn){
		"dead": func(net.Conn) {},
		"mute": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"trickling": func(c net.Conn) {
			for _, b := range testkit.Header(spry.ProtocolPair0) {
				time.Sleep(3 * time.Second)
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		},
	}
	for _, listening := range []bool{false, true} {
		for name, peer := range peers {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					near, far := net.Pipe()
					pair := spry.NewPair(&spry.PairOptions{Options: spry.Options{HandshakeTimeout: 7 * time.Second}})
					defer pair.Close()
					done := make(chan struct{})
					go func() {
						defer close(done)
						peer(far)
					}()
					start := time.Now()
					_, err := pair.Attach(t.Context(), near, &spry.AttachConfig{Listening: listening})
					var op *spry.OpError
					if !errors.As(err, &op) || !op.Timeout() {
						t.Errorf("Attach with Listening %v: %v, want a timeout", listening, err)
					}
					if d := time.Since(start); d != 7*time.Second {
						t.Errorf("Attach failed after %v, want the handshake's 7s", d)
					}
					<-done
					if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
						t.Errorf("the connection after Attach has failed: %v, want it closed", err)
					}
				})
			})
		}
	}
}

// Attach and Dial end with their context, at once.
func TestHandshakesEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pair := spry.NewPair(nil)
		defer pair.Close()
		cancelled(t, "Attach", func(ctx context.Context) error {
			near, _ := net.Pipe()
			_, err := pair.Attach(ctx, near, nil)
			return err
		})
		n := simnet.New(1)
		l, err := n.Listen(t.Context(), transport.URL{Scheme: "sim", Address: "mute"}, transport.ListenOptions{})
		testkit.Check(t, err)
		defer l.Close()
		push := spry.NewPush(&spry.PushOptions{Options: testkit.Simulated(n)})
		defer push.Close()
		cancelled(t, "Dial of a mute peer", func(ctx context.Context) error { _, err := push.Dial(ctx, "sim://mute"); return err })
		n.Partition(true)
		cancelled(t, "Dial in a partition", func(ctx context.Context) error { _, err := push.Dial(ctx, "sim://mute"); return err })
		if got := push.Stats().Endpoints; len(got) != 0 {
			t.Errorf("%d endpoints are left of dials that failed", len(got))
		}
		time.Sleep(time.Hour) // and nobody dials again
	})
}

// Close ends a dial and an attach that are on their way.
func TestCloseEndsHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		n.Partition(true)
		push := spry.NewPush(&spry.PushOptions{Options: testkit.Simulated(n)})
		ended := make(chan error, 2)
		near, _ := net.Pipe()
		go func() { _, err := push.Dial(context.Background(), "sim://far"); ended <- err }()
		go func() { _, err := push.Attach(context.Background(), near, nil); ended <- err }()
		time.Sleep(time.Second)
		start := time.Now()
		testkit.Check(t, push.Close())
		for range 2 {
			if err := <-ended; !errors.Is(err, spry.ErrClosed) && !errors.Is(err, context.Canceled) {
				t.Errorf("a handshake that Close ended: %v", err)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
	})
}

// The cause of a dial that failed can be asked for; with Connect it is an event, and dialing goes on until it works.
func TestDialErrors(t *testing.T) {
	causes := map[string]error{
		"dns":     &net.DNSError{Err: "no such host", Name: "peer.example", IsNotFound: true},
		"refused": &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED},
	}
	for name, cause := range causes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := testkit.Private()
				o.Transports, o.Linger = []transport.Transport{tcp.Transport{}}, -1
				var failed []spry.Event
				o.Trace = func(e spry.Event) {
					if e.Kind == spry.EventDialFailed {
						failed = append(failed, e)
					}
				}
				push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(nil)
				defer push.Close()
				defer pull.Close()
				attempts, works := 0, 3
				d := &spry.DialConfig{URL: "tcp://peer.example:5555", DialContext: func(context.Context, string, string) (net.Conn, error) {
					if attempts++; attempts <= works {
						return nil, cause
					}
					near, far := net.Pipe()
					go func() { _, _ = pull.Attach(context.Background(), far, &spry.AttachConfig{Listening: true}) }()
					return near, nil
				}}
				_, err := push.DialWith(t.Context(), d)
				var op *spry.OpError
				if !errors.Is(err, cause) || !errors.As(err, &op) || !strings.Contains(err.Error(), "peer.example") {
					t.Errorf("Dial: %v, want its cause and the address", err)
				}
				time.Sleep(time.Hour)
				if attempts != 1 {
					t.Errorf("%d attempts after a Dial that failed, want no more than that", attempts)
				}
				d.Background = true
				e, err := push.DialWith(t.Context(), d)
				testkit.Check(t, err)
				testkit.Check(t, e.Wait(t.Context()))
				if attempts != works+1 || len(failed) != works {
					t.Errorf("connected after %d attempts with %d events, want %d and %d", attempts, len(failed), works+1, works)
				}
				for _, f := range failed {
					if !errors.Is(f.Err, cause) {
						t.Errorf("an event says %v", f.Err)
					}
				}
				if err := e.Err(); err != nil {
					t.Errorf("the endpoint is connected, and says %v", err)
				}
			})
		})
	}
}

func TestAuthorizeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		pull := spry.NewPull(&spry.PullOptions{Options: testkit.Simulated(n)})
		defer pull.Close()
		testkit.ListenAt(t, pull, "sim://pull")
		o := testkit.Simulated(n)
		asked := make(chan struct{})
		o.Authorize = func(ctx context.Context, _ *spry.Pipe) error {
			<-ctx.Done()
			close(asked)
			return ctx.Err()
		}
		push := spry.NewPush(&spry.PushOptions{Options: o})
		defer push.Close()
		start := time.Now()
		if _, err := push.Dial(t.Context(), "sim://pull"); err == nil {
			t.Error("Dial succeeded without Authorize")
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("Dial failed after %v, want the handshake's 10s", d)
		}
		<-asked
	})
}

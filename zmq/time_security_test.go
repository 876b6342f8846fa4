// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/zmq"
)

// These run in virtual time over a network in memory: an hour takes no time, and is exact.

func simulated(n *simnet.Net, s spry.Security) zmq.Options {
	return zmq.Options{Transports: []transport.Transport{n}, Linger: -1, Security: s}
}

// A client that was refused waits for long before it asks again, and comes in when it has become welcome.
func TestRefusedClientsBackOff(t *testing.T) {
	server, secret := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		var welcome atomic.Bool
		var asked atomic.Int64
		pull := zmq.NewPull(&zmq.PullOptions{Options: simulated(n, zmq.CurveServer{Secret: secret, Check: func(context.Context, zmq.Credentials) (string, error) {
			asked.Add(1)
			if !welcome.Load() {
				return "", zmq.ErrDenied
			}
			return "", nil
		}})})
		defer pull.Close()
		_, err := pull.Listen(t.Context(), "sim://pull")
		testkit.Check(t, err)

		o := simulated(n, zmq.CurveClient{Server: server})
		waits := make(chan time.Duration, 1000)
		o.Trace = func(e spry.Event) {
			if e.Kind == spry.EventBackoff {
				waits <- e.Wait
			}
		}
		push := zmq.NewPush(&zmq.PushOptions{Options: o})
		defer push.Close()
		_, err = push.Connect("sim://pull")
		testkit.Check(t, err)
		time.Sleep(time.Hour)
		if n := asked.Load(); n < 120 || n > 241 {
			t.Errorf("asked %d times in an hour, want once in 15 to 30 s", n)
		}
		for len(waits) > 0 {
			if w := <-waits; w < 15*time.Second || w > 30*time.Second {
				t.Errorf("waited for %v, want 15 to 30 s: Backoff.Max is 30 s", w)
			}
		}
		welcome.Store(true)
		start := time.Now()
		testkit.Check(t, push.Send(t.Context(), []byte("at last")))
		if _, err := pull.Recv(t.Context()); err != nil || time.Since(start) > 30*time.Second {
			t.Errorf("came in after %v: %v", time.Since(start), err)
		}
	})
}

// An authenticator that takes its time holds up nobody else, and its context ends with the handshake's time.
func TestSlowAuthenticators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		var took atomic.Int64
		pull := zmq.NewPull(&zmq.PullOptions{Options: simulated(n, zmq.PlainServer{Check: func(ctx context.Context, c zmq.Credentials) (string, error) {
			if c.Username == "fast" {
				return "", nil
			}
			start := time.Now()
			<-ctx.Done()
			took.Store(int64(time.Since(start)))
			return "", ctx.Err()
		}})})
		defer pull.Close()
		_, err := pull.Listen(t.Context(), "sim://pull")
		testkit.Check(t, err)
		dial := func(user string) (*zmq.Push, error) {
			push := zmq.NewPush(&zmq.PushOptions{Options: simulated(n, zmq.PlainClient{Username: user})})
			_, err := push.Dial(t.Context(), "sim://pull")
			return push, err
		}
		done := make(chan error, 1)
		go func() {
			push, err := dial("slow")
			done <- errors.Join(push.Close(), err)
		}()
		synctest.Wait()
		start := time.Now()
		push, err := dial("fast")
		testkit.Check(t, err)
		defer push.Close()
		if d := time.Since(start); d != 0 {
			t.Errorf("was held up for %v", d)
		}
		if err := <-done; err == nil {
			t.Error("who was never let in came in")
		}
		synctest.Wait()
		if d := time.Duration(took.Load()); d != 10*time.Second {
			t.Errorf("the context ended after %v, want the handshake's 10s", d)
		}
	})
}

// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// A request is sent again once every Retry, neither before nor more often.
func TestRequestIsRetriedOnceEveryRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		rep := newSilentRep(t, n, "sim://rep")
		defer rep.Close()
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n), Retry: 10 * time.Second})
		defer req.Close()
		_, err := req.Dial(t.Context(), "sim://rep")
		testkit.Check(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		if _, err := req.Do(ctx, []byte("anybody?")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do without an answer: %v, want the context's end", err)
		}
		time.Sleep(time.Hour) // a request that is over is not sent again
		got := drained(rep.arrived)
		want := []time.Duration{0, 10 * time.Second, 20 * time.Second, 30 * time.Second}
		if !slices.Equal(got, want) {
			t.Errorf("the request arrived after %v, want %v", got, want)
		}
		if st := req.Stats(); st.Send.Sent != 4 {
			t.Errorf("sent %d times, want 4", st.Send.Sent)
		}
	})
}

func TestNegativeRetryNeverSendsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		rep := newSilentRep(t, n, "sim://rep")
		defer rep.Close()
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n), Retry: -1})
		defer req.Close()
		_, err := req.Dial(t.Context(), "sim://rep")
		testkit.Check(t, err)
		failed := make(chan error)
		go func() {
			_, err := req.Do(context.Background(), []byte("once"))
			failed <- err
		}()
		time.Sleep(time.Hour)
		if got := drained(rep.arrived); len(got) != 1 {
			t.Errorf("the request arrived %d times, want once", len(got))
		}
		n.CutAll()
		if err := <-failed; !errors.Is(err, spry.ErrPipeClosed) {
			t.Errorf("Do on a pipe that broke: %v, want ErrPipeClosed", err)
		}
	})
}

// When its connection breaks, a request goes to another peer at once, not at the next Retry.
func TestRequestIsSentAgainWhenItsPipeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		a := newSilentRep(t, n, "sim://a")
		defer a.Close()
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n)})
		defer req.Close()
		_, err := req.Dial(t.Context(), "sim://a")
		testkit.Check(t, err)
		answered := make(chan error)
		go func() {
			_, err := req.Do(context.Background(), []byte("do it"))
			answered <- err
		}()
		<-a.last
		b := newSilentRep(t, n, "sim://b")
		defer b.Close()
		_, err = req.Dial(t.Context(), "sim://b")
		testkit.Check(t, err)
		time.Sleep(20 * time.Second)
		if got := drained(b.arrived); len(got) != 0 {
			t.Fatalf("the second peer got the request after %v, while the first one had it", got)
		}
		for _, l := range n.Links() {
			if l.Address() == "sim://a" {
				n.Refuse("sim://a", true)
				l.Cut()
			}
		}
		q := <-b.last
		if after := <-b.arrived; after != 20*time.Second {
			t.Errorf("the second peer got the request %v after it came, want at once, after 20s", after)
		}
		testkit.Check(t, q.Reply(t.Context(), nil))
		testkit.Check(t, <-answered)
	})
}

func TestFailFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n), FailFast: true})
		defer req.Close()
		if _, err := req.Do(t.Context(), nil); !errors.Is(err, spry.ErrNoPeer) {
			t.Errorf("Do without a peer: %v, want ErrNoPeer", err)
		}
		rep := newSilentRep(t, n, "sim://rep")
		defer rep.Close()
		_, err := req.Dial(t.Context(), "sim://rep")
		testkit.Check(t, err)
		time.AfterFunc(time.Second, n.CutAll)
		start := time.Now()
		if _, err := req.Do(t.Context(), nil); !errors.Is(err, spry.ErrPipeClosed) {
			t.Errorf("Do on a pipe that broke: %v, want ErrPipeClosed", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("Do failed after %v, want with the pipe, after 1s", d)
		}
	})
}

// SPDX-License-Identifier: MIT

package timing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// Many calls that are due at the same time are sent again in their order, each once in every Retry.
func TestRetriesKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		rep := newSilentRep(t, n, "sim://rep")
		defer rep.Close()
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n), Retry: time.Minute})
		defer req.Close()
		_, err := req.Dial(t.Context(), "sim://rep")
		testkit.Check(t, err)
		const calls = 20
		for i := range calls {
			m := spry.NewMessage(1)
			_, _ = m.Write([]byte{byte(i)})
			_, err := req.Start(m)
			testkit.Check(t, err)
		}
		for round := range 3 {
			synctest.Wait()
			var got []byte
			for _, q := range drained(rep.last) {
				got = append(got, q.Bytes()...)
			}
			if len(got) != calls || !slices.IsSorted(got) {
				t.Errorf("round %d brought the requests %v, want all of them in order", round, got)
			}
			time.Sleep(time.Minute)
		}
	})
}

// A reply that comes before Retry is over ends the retries; one that comes over the first pipe after the request
// was sent again over another one counts all the same.
func TestReplyAfterRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		a, b := newSilentRep(t, n, "sim://a"), newSilentRep(t, n, "sim://b")
		defer a.Close()
		defer b.Close()
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n), Retry: 10 * time.Second})
		defer req.Close()
		for _, url := range []string{"sim://a", "sim://b"} {
			_, err := req.Dial(t.Context(), url)
			testkit.Check(t, err)
		}
		answer := make(chan string, 1)
		go func() {
			r, err := req.Do(context.Background(), []byte("?"))
			answer <- fmt.Sprintf("%s %v", r, err)
		}()
		first := <-a.last
		second := <-b.last // ten seconds later
		testkit.Check(t, first.Reply(t.Context(), []byte("from the first")))
		if got := <-answer; got != "from the first <nil>" {
			t.Errorf("the answer is %q", got)
		}
		testkit.Check(t, second.Reply(t.Context(), []byte("from the second")))
		time.Sleep(time.Hour)
		if st := req.Stats(); st.Send.Sent != 2 || st.Recv.Dropped["stale"] != 1 {
			t.Errorf("sent %d times, dropped %v; want two and a stale one", st.Send.Sent, st.Recv.Dropped)
		}
	})
}

// A request without a peer waits for one, however long that takes, and then its Retry begins.
func TestRequestWaitsForAPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n), Retry: 10 * time.Second})
		defer req.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour+25*time.Second)
		defer cancel()
		failed := make(chan error)
		go func() {
			_, err := req.Do(ctx, nil)
			failed <- err
		}()
		time.Sleep(time.Hour)
		rep := newSilentRep(t, n, "sim://rep")
		defer rep.Close()
		_, err := req.Dial(t.Context(), "sim://rep")
		testkit.Check(t, err)
		if err := <-failed; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do: %v", err)
		}
		if got := drained(rep.arrived); !slices.Equal(got, []time.Duration{0, 10 * time.Second, 20 * time.Second}) {
			t.Errorf("the request arrived after %v", got)
		}
	})
}

// The silence of a peer in a partition is not its end: the request is sent again over the pipe that is there, and
// arrives as often when the partition is over.
func TestRetryInAPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		rep := newSilentRep(t, n, "sim://rep")
		defer rep.Close()
		req := spry.NewReq(&spry.ReqOptions{Options: testkit.Simulated(n), Retry: 10 * time.Second})
		defer req.Close()
		_, err := req.Dial(t.Context(), "sim://rep")
		testkit.Check(t, err)
		n.Partition(true)
		answered := make(chan error)
		go func() {
			_, err := req.Do(context.Background(), nil)
			answered <- err
		}()
		time.Sleep(25 * time.Second)
		if got := drained(rep.arrived); len(got) != 0 {
			t.Errorf("a partition let %d requests through", len(got))
		}
		n.Partition(false)
		synctest.Wait()
		if got := drained(rep.arrived); !slices.Equal(got, []time.Duration{25 * time.Second, 25 * time.Second, 25 * time.Second}) {
			t.Errorf("after the partition the request arrived at %v", got)
		}
		testkit.Check(t, (<-rep.last).Reply(t.Context(), nil))
		testkit.Check(t, <-answered)
	})
}

// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// A connection whose ends do not fit is refused by both, and closed.
func TestAttachRefusesAWrongRole(t *testing.T) {
	leak.Check(t)
	pub, pull := spry.NewPub(nil), spry.NewPull(nil)
	a, b := simnet.Pipe()
	refused := make(chan error, 1)
	go func() {
		_, err := pull.Attach(testkit.Watchdog(t), b, &spry.AttachConfig{Listening: true})
		refused <- err
	}()
	_, err := pub.Attach(testkit.Watchdog(t), a, nil)
	for _, err := range []error{err, <-refused} {
		op, ok := errors.AsType[*spry.OpError](err)
		if !ok || !errors.Is(err, spry.ErrProtocol) || op.Reason != "role_mismatch" {
			t.Errorf("a pub attached to a pull: %v, want role_mismatch", err)
		}
	}
	for _, s := range []testkit.Socket{pub, pull} {
		if st := s.Stats(); st.Rejected["role_mismatch"] != 1 || len(st.Pipes) != 0 {
			t.Errorf("the books say %v, with %d pipes", st.Rejected, len(st.Pipes))
		}
	}
	if _, err := a.Write([]byte{0}); err == nil {
		t.Error("the connection is still open")
	}
	testkit.Shut(t, pub, pull)
}

// Attach closes the connection that it fails with: when its context ends, and when the socket is closed.
func TestAttachThatFailsCloses(t *testing.T) {
	leak.Check(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	open, closed := spry.NewPush(nil), spry.NewPush(nil)
	testkit.Shut(t, closed)
	for name, c := range map[string]struct {
		push *spry.Push
		ctx  context.Context
		want error
	}{
		"its context has ended": {open, ended, context.Canceled},
		"the socket is closed":  {closed, testkit.Watchdog(t), spry.ErrClosed},
	} {
		mine, peers := simnet.Pipe()
		if _, err := c.push.Attach(c.ctx, mine, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: Attach failed with %v, want %v", name, err, c.want)
		}
		if _, err := mine.Write([]byte{0}); err == nil {
			t.Errorf("%s: the connection is still open", name)
		}
		testkit.Check(t, peers.Close())
	}
	testkit.Shut(t, open)
}

// The end of an attached connection is the end of its pipe, and of nothing else.
func TestAttachedPipeEnds(t *testing.T) {
	leak.Check(t)
	l := link{attached: true}
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	for range 3 {
		l.join(t, push, pull)
		testkit.Check(t, pull.WaitPipes(testkit.Watchdog(t), 1))
		carry(t, push, pull)
		for p := range push.Pipes() {
			testkit.Check(t, p.Close())
			<-p.Done()
		}
		testkit.Eventually(t, "the peer's pipe is over", func() bool { return len(pull.Stats().Pipes) == 0 })
	}
	testkit.Shut(t, push, pull)
}

// SPDX-License-Identifier: MIT

package sp_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/interop/internal/kit"
)

// TestUnknownIsAnUpperBoundWithForeignPeers has a PULL of another library receive some of what it was sent and end, in order or
// killed, with the rest unread: all that was sent on its connection is Unknown.
func TestUnknownIsAnUpperBoundWithForeignPeers(t *testing.T) {
	const received, offered, size = 100, 3000, 2000
	for library, program := range map[string]string{kit.LibNNG: "nng_recv", kit.LibNanomsg: "nn_recv", kit.LibZMQ: "zmq_recv"} {
		for end, killed := range map[string]bool{"closes": false, "is killed": true} {
			kit.EachWay(t, library, "pull that "+end+" with unread messages – push, Unknown", func(t *testing.T, a kit.Address) {
				push := spry.NewPush(&spry.PushOptions{Options: lingering(-1)})
				p := kit.MeetC(t, a, push, program, "pull", fmt.Sprint(received))
				kit.WaitPipes(t, push, 1)
				pipe := kit.OnlyPipe(t, push.Socket)
				kit.SendNumbered(t, push, offered, size)
				kit.ExpectTally(t, p, kit.NumberedTally(received, size))
				if killed {
					p.Kill()
				} else {
					p.Wait()
				}
				select {
				case <-pipe.Done():
				case <-kit.Watched(t).Done():
					t.Fatal("the pipe of a peer that has gone lives")
				}
				if err := push.Close(); err != nil && !errors.Is(err, spry.ErrUnsent) && !errors.Is(err, spry.ErrUnconfirmed) {
					t.Errorf("close: %v", err)
				}
				st := push.Stats().Send
				dropped := uint64(0)
				for _, n := range st.Dropped {
					dropped += n
				}
				if st.Sent < received || st.Offered != st.Sent+st.Returned+dropped {
					t.Errorf("the figures are %+v", st)
				}
				if st.Unknown != st.Sent {
					t.Errorf("%d of %d messages that were sent are unknown; the peer had received %d and left the rest", st.Unknown, st.Sent, received)
				}
				t.Logf("sent %d, of them unknown %d, received %d", st.Sent, st.Unknown, received)
			})
		}
	}
}

// TestPausedReceiversLoseNothing stops processes that receive, with their connections full: back-pressure for many heartbeats is no
// reason to give them up, and when they go on they receive everything.
func TestPausedReceiversLoseNothing(t *testing.T) {
	const messages, size = 3000, 20_000
	for library, program := range map[string]string{kit.LibNNG: "nng_recv", kit.LibZMQ: "zmq_recv"} {
		kit.EachWay(t, library, "pull stopped while its connection is full, and continued – push", func(t *testing.T, a kit.Address) {
			o := kit.Options
			o.Heartbeat = time.Second // a busy machine may acknowledge nothing for two shorter ones
			o.SendQueueBytes = 1 << 20
			o.Linger = -1
			push := spry.NewPush(&spry.PushOptions{Options: o})
			defer push.Close()
			defer func() {
				if t.Failed() {
					t.Logf("the figures were %+v", push.Stats())
				}
			}()
			p := kit.MeetC(t, a, push, program, "pull", fmt.Sprint(messages))
			kit.WaitPipes(t, push, 1)
			pipe := kit.OnlyPipe(t, push.Socket)
			// A pipe here can exist before the peer has one: libnng gives an upgrade of HTTP two seconds.
			kit.SendNumbered(t, push, 1, size)
			p.WaitLine("receiving")
			p.Signal(syscall.SIGSTOP)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				ctx := kit.Watched(t)
				for i := 1; i < messages; i++ {
					if err := push.Send(ctx, kit.Numbered(size, i)); err != nil {
						t.Errorf("send message %d: %v", i, err)
						return
					}
				}
			}()
			kit.WaitFor(t, func() bool { return push.Stats().Send.QueuedBytes > 1<<19 }) // who waits for room goes on when half of it is free
			select {
			case <-pipe.Done():
				t.Errorf("the pipe of a peer that was stopped ended: %v", pipe.Err())
			case <-time.After(5 * o.Heartbeat): // those that a peer without room is not given up for
			}
			p.Signal(syscall.SIGCONT)
			kit.ExpectTally(t, p, kit.NumberedTally(messages, size))
			<-sent
			p.Wait()
			kit.WaitFor(t, func() bool { return push.Stats().Send.Queued == 0 }) // the last write is counted after it has arrived
			if st := push.Stats().Send; len(st.Dropped) > 0 || st.Returned > 0 || st.Sent != messages {
				t.Errorf("the figures are %+v", st)
			}
		})
	}
}

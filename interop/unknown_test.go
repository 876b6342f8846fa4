// SPDX-License-Identifier: MIT

package interop_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
)

// TestUnknownIsAnUpperBoundWithForeignPeers has a PULL of another library receive some of what it was sent and end, in order or
// killed, with the rest unread: all that was sent on its connection is Unknown.
func TestUnknownIsAnUpperBoundWithForeignPeers(t *testing.T) {
	const received, offered, size = 100, 3000, 2000
	for library, program := range map[string]string{libnng: "nng_recv", libnanomsg: "nn_recv", libzmq: "zmq_recv"} {
		for end, killed := range map[string]bool{"closes": false, "is killed": true} {
			eachWay(t, library, "pull that "+end+" with unread messages – push, Unknown", func(t *testing.T, a address) {
				push := spry.NewPush(&spry.PushOptions{Options: lingering(-1)})
				p := meetC(t, a, push, program, "pull", fmt.Sprint(received))
				waitPipes(t, push, 1)
				pipe := onlyPipe(t, push.Socket)
				sendNumbered(t, push, offered, size)
				expectTally(t, p, numberedTally(received, size))
				if killed {
					p.Kill()
				} else {
					p.Wait()
				}
				select {
				case <-pipe.Done():
				case <-watched(t).Done():
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
	for library, program := range map[string]string{libnng: "nng_recv", libzmq: "zmq_recv"} {
		eachWay(t, library, "pull stopped while its connection is full, and continued – push", func(t *testing.T, a address) {
			o := options
			o.Heartbeat = 400 * time.Millisecond
			o.SendQueueBytes = 1 << 20
			o.Linger = -1
			push := spry.NewPush(&spry.PushOptions{Options: o})
			defer push.Close()
			defer func() {
				if t.Failed() {
					t.Logf("the figures were %+v", push.Stats())
				}
			}()
			p := meetC(t, a, push, program, "pull", fmt.Sprint(messages))
			waitPipes(t, push, 1)
			pipe := onlyPipe(t, push.Socket)
			p.Signal(syscall.SIGSTOP)
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				ctx := watched(t)
				for i := range messages {
					if err := push.Send(ctx, numbered(size, i)); err != nil {
						t.Errorf("send message %d: %v", i, err)
						return
					}
				}
			}()
			waitFor(t, func() bool { return push.Stats().Send.QueuedBytes > 1<<20-2*size })
			select {
			case <-pipe.Done():
				t.Errorf("the pipe of a peer that was stopped ended: %v", pipe.Err())
			case <-time.After(10 * o.Heartbeat):
			}
			p.Signal(syscall.SIGCONT)
			expectTally(t, p, numberedTally(messages, size))
			<-sent
			p.Wait()
			if st := push.Stats().Send; len(st.Dropped) > 0 || st.Returned > 0 || st.Sent != messages {
				t.Errorf("the figures are %+v", st)
			}
		})
	}
}

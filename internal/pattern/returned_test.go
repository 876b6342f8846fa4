// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// While messages that came back are on their way to another peer, nothing new overtakes them, however it is sent.
func TestNothingOvertakesWhatCameBack(t *testing.T) {
	for name, send := range map[string]func(push *Push) error{
		"a message": func(push *Push) error {
			m := msg.Of([]byte("new"))
			return push.Send(context.Background(), false, nil, &m)
		},
		"frames": func(push *Push) error {
			m := msg.OfFrames([][]byte{[]byte("new"), []byte("and more")})
			return push.Send(context.Background(), false, nil, &m)
		},
		"a batch": func(push *Push) error {
			m := msg.Of([]byte("new"))
			ctx, cancel := context.WithTimeout(context.Background(), time.Second) // one that has ended would not see the queue
			defer cancel()
			_, err := push.SendBatch(ctx, []*msg.Message{&m})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := house(zmtp.Dialect)
				o.SendQueue = 100
				push, pushes := open(t, o, func(*engine.Socket, engine.Options) *Push { return NewPush(zmtp.Push.Hello(), false, false) })
				var came []string
				var tried error
				_, hears := open(t, o, func(*engine.Socket, engine.Options) *hearer {
					return &hearer{newSides(zmtp.Pull.Hello(), receiver{}, nil), func(_ *engine.Pipe, m *msg.Message) {
						if came = append(came, string(m.Body())); len(came) == 1 {
							tried = send(push) // in the middle: the others are not even queued yet
						}
					}}
				})
				visit(t, pushes, hears)
				b := push.balancer
				b.mu.Lock()
				b.returned = []msg.Message{msg.Of([]byte("first")), msg.Of([]byte("second")), msg.Of([]byte("third"))}
				b.chooseLocked()
				b.mu.Unlock()
				b.writable(pushes.Pipes()[0])
				synctest.Wait()
				if !errors.Is(tried, engine.ErrWouldBlock) && !errors.Is(tried, context.DeadlineExceeded) {
					t.Errorf("sending beside messages that came back: %v", tried)
				}
				if len(came) != 3 || came[0] != "first" || came[1] != "second" || came[2] != "third" {
					t.Errorf("%q came", came)
				}
			})
		})
	}
}

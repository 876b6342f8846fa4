// SPDX-License-Identifier: MIT

package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/wire/sp"
)

// A peer that has not answered within an interval is given up, unless it has said anything, or this process was stopped for
// longer than the interval: the answer may be there.
func TestHeartbeatWithoutAnAnswer(t *testing.T) {
	leak.Check(t)
	for name, test := range map[string]struct {
		since time.Duration // the question
		alive bool
		want  error
	}{
		"silent":  {time.Second, false, errSilent},
		"speaks":  {time.Second, true, nil},
		"stopped": {10 * time.Second, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, e := testSocket(Options{}, &recorder{})
				defer s.Close()
				p, c := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Pair0, 0))
				h := &heartbeat{pipe: p, signs: &c.signs, conn: c.link.Conn, interval: time.Second, last: time.Now(), asked: true}
				time.Sleep(test.since)
				c.alive.Store(test.alive)
				if err := h.look(); err != test.want {
					t.Errorf("%v, want %v", err, test.want)
				}
			})
		})
	}
}

// An unacknowledgedConn is one whose peer's machine has acknowledged nothing for an hour.
type unacknowledgedConn struct{ fakeConn }

func (*unacknowledgedConn) Progress() (queued, unread int, owed bool, quiet time.Duration) {
	return 1, 0, true, time.Hour
}

// A peer whose machine owes acknowledgements for more than two intervals is given up while there is something on its way to it.
func TestHeartbeatWithoutAnAcknowledgement(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		s, e := testSocket(Options{}, &recorder{})
		defer s.Close()
		p, c := streamPipe(t, e, &unacknowledgedConn{}, streamSession(t, sp.Pair0, 0))
		h := &heartbeat{pipe: p, signs: &c.signs, conn: c.link.Conn, interval: time.Second, last: time.Now()}
		for beat, want := range []error{nil, nil, errUnacknowledged} {
			time.Sleep(h.interval)
			if err := h.look(); err != want {
				t.Errorf("beat %d: %v, want %v", beat, err, want)
			}
		}
	})
}

// SPDX-License-Identifier: MIT

package stream

import (
	"net"
	"os"
	"time"

	"github.com/sprymq/spry/internal/lock"
)

// A deadline ends the waits of one direction of a connection.
type deadline struct {
	mu      lock.Mutex[lock.StreamDeadline]
	at      time.Time     // the zero time means never
	changed chan struct{} // closed when another deadline is set; nil while there are no waits
}

func (d *deadline) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

func (d *deadline) state() (at time.Time, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.at, d.changed
}

// wait waits until event is closed. At the deadline it returns os.ErrDeadlineExceeded.
func (d *deadline) wait(event <-chan struct{}) error {
	for {
		at, changed := d.state()
		again, err := waitUntil(at, event, changed)
		if !again {
			return err
		}
	}
}

// waitUntil waits until event or changed is closed, or at has come.
func waitUntil(at time.Time, event, changed <-chan struct{}) (again bool, err error) {
	var over <-chan time.Time
	if !at.IsZero() {
		left := time.Until(at)
		if left <= 0 {
			return false, os.ErrDeadlineExceeded
		}
		t := time.NewTimer(left)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-event:
		return false, nil
	case <-changed:
		return true, nil
	case <-over:
		return false, os.ErrDeadlineExceeded
	}
}

// sleep waits for a duration, which is negative for ever. The deadline or the end of the stream ends it early, with an error.
func (d *deadline) sleep(pause time.Duration, closed <-chan struct{}) error {
	if pause == 0 {
		return nil
	}
	begin := time.Now()
	for {
		at, changed := d.state()
		wake := begin.Add(pause)
		early := pause < 0 || !at.IsZero() && at.Before(wake)
		if !early {
			at = wake
		}
		again, err := waitUntil(at, closed, changed)
		switch {
		case again:
		case err == nil:
			return net.ErrClosed
		case early:
			return err
		default:
			return nil
		}
	}
}

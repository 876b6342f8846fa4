// SPDX-License-Identifier: MIT

package stream

import (
	"net"
	"os"
	"sync"
	"time"
)

// A deadline ends the waits of one direction of an end.
type deadline struct {
	mu    sync.Mutex
	at    time.Time
	timer *time.Timer
	c     chan struct{} // closed when the deadline is over, or another is set
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	d.renewLocked()
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.renewLocked()
		})
	}
}

// renewLocked wakes those who wait.
func (d *deadline) renewLocked() {
	if d.c != nil {
		close(d.c)
	}
	d.c = nil
}

// expired returns a channel that is closed when the deadline may be over.
func (d *deadline) expired() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.overLocked() {
		return closedChan
	}
	if d.c == nil {
		d.c = make(chan struct{})
	}
	return d.c
}

// sleep waits until after, the deadline, or the end of the stream.
func (d *deadline) sleep(after <-chan time.Time, closed <-chan struct{}) error {
	for {
		select {
		case <-after:
			return nil
		case <-closed:
			return net.ErrClosed
		case <-d.expired():
			if d.over() {
				return os.ErrDeadlineExceeded
			}
		}
	}
}

func (d *deadline) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.overLocked()
}

func (d *deadline) overLocked() bool { return !d.at.IsZero() && time.Until(d.at) <= 0 }

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

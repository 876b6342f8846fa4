// SPDX-License-Identifier: MIT

package simnet

import "time"

// A signal wakes all goroutines that wait for a change. The mutex of its owner guards it. Its channel is made by the
// goroutine that waits, and so belongs to that goroutine's synctest bubble.
type signal struct{ ch chan struct{} }

func (s *signal) await() <-chan struct{} {
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) raise() {
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// pause waits until changed or done is closed or the time has come; a zero time never comes.
func pause(changed, done <-chan struct{}, until time.Time) {
	var alarm <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		alarm = t.C
	}
	select {
	case <-changed:
	case <-done:
	case <-alarm:
	}
}

// earliest is the first of two times; a zero time means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// SPDX-License-Identifier: MIT

package engine

import "github.com/sprymq/spry/internal/reasons"

// drops counts dropped messages by reason. Most pipes never drop anything and have no counts; others drop for a reason or two,
// so that a list is fast enough.
type drops struct{ first *dropCount }

type dropCount struct {
	reason reasons.Reason
	n      uint64
	next   *dropCount
}

func (d *drops) add(reason reasons.Reason, n uint64) {
	if n == 0 {
		return
	}
	c := d.first
	for c != nil && c.reason != reason {
		c = c.next
	}
	if c == nil {
		c = &dropCount{reason: reason, next: d.first}
		d.first = c
	}
	c.n += n
}

func (d *drops) addTo(m map[reasons.Reason]uint64) {
	for c := d.first; c != nil; c = c.next {
		m[c.reason] += c.n
	}
}

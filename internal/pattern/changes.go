// SPDX-License-Identifier: MIT

package pattern

import (
	"container/list"
	"context"

	"github.com/sprymq/spry/internal/budget"
	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/internal/queue"
)

// A Change is a topic that somebody wants now whom nobody did before, or that nobody wants any more.
type Change struct {
	Topic  string
	Wanted bool
}

// changes are those that the application has not heard of yet, in order. Of one topic there is at most one: what was taken
// back before anybody heard of it has not happened. They are therefore never more than the topics that there are, or were when
// somebody last asked.
type changes struct {
	mu      lock.Mutex[lock.Changes]
	order   list.List // of Change
	pending map[string]*list.Element
	waiters queue.Waiters
	err     error
	gone    int64 // what those cost that are of topics that nobody wants any more: no peer is charged for them
	meter   budget.Meter
}

// changeCost is what a change takes beside its topic, in bytes.
const changeCost = 128

func (c *changes) add(topic string, wanted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	if e := c.pending[topic]; e != nil { // which is the opposite
		c.removeLocked(e)
		return
	}
	if c.pending == nil {
		c.pending = make(map[string]*list.Element)
	}
	c.pending[topic] = c.order.PushBack(Change{topic, wanted})
	if !wanted {
		c.chargeLocked(changeCost + len(topic))
	}
	c.waiters.Wake(1)
}

// take returns the next one, if there is one.
func (c *changes) take() (v Change, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.takeLocked()
}

func (c *changes) takeLocked() (v Change, ok bool) {
	e := c.order.Front()
	if e == nil {
		return Change{}, false
	}
	return c.removeLocked(e), true
}

func (c *changes) removeLocked(e *list.Element) Change {
	v := c.order.Remove(e).(Change)
	if !v.Wanted {
		c.chargeLocked(-changeCost - len(v.Topic))
	}
	if delete(c.pending, v.Topic); len(c.pending) == 0 {
		c.pending = nil // an empty map keeps the memory of a full one
	}
	return v
}

func (c *changes) chargeLocked(n int) {
	c.gone += int64(n)
	c.meter.Set(c.gone)
}

// next waits for the next one.
func (c *changes) next(ctx context.Context) (Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if v, ok := c.takeLocked(); ok {
			return v, nil
		}
		if c.err != nil {
			return Change{}, c.err
		}
		if err := c.waiters.Wait(ctx, &c.mu); err != nil {
			return Change{}, err
		}
	}
}

func (c *changes) close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.order.Init()
	c.pending = nil
	c.gone = 0
	c.meter.Set(0)
	c.waiters.WakeAll()
}

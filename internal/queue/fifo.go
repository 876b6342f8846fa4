// SPDX-License-Identifier: MIT

package queue

import "slices"

// fifo is a queue in a slice that is reused: the front moves on, and the rest moves down when the front has
// passed the middle.
type fifo[T any] struct {
	items []T
	head  int
}

func (f *fifo[T]) empty() bool { return f.head == len(f.items) }

func (f *fifo[T]) front() *T { return &f.items[f.head] }

func (f *fifo[T]) back() *T { return &f.items[len(f.items)-1] }

func (f *fifo[T]) push(v T) {
	if f.head > 0 && len(f.items) == cap(f.items) && f.head >= len(f.items)/2 {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	f.items = append(f.items, v)
}

func (f *fifo[T]) pop() T {
	v := f.items[f.head]
	var zero T
	f.items[f.head] = zero
	if f.head++; f.head == len(f.items) {
		f.items, f.head = f.items[:0], 0
	}
	return v
}

// pushFront makes v the first one.
func (f *fifo[T]) pushFront(v T) {
	if f.head == 0 {
		f.items = slices.Insert(f.items, 0, v)
		return
	}
	f.head--
	f.items[f.head] = v
}

// live is the contents of the queue, the front first. It is valid until the next change.
func (f *fifo[T]) live() []T { return f.items[f.head:] }

// replace puts v in the place of the items from to to of live.
func (f *fifo[T]) replace(from, to int, v ...T) {
	f.items = slices.Replace(f.items, f.head+from, f.head+to, v...)
}

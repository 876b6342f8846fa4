// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sprymq/spry/internal/scope"
)

// A direction makes the calls of one direction of a connection end with their contexts. One call runs at a time.
//
// A context is watched from its first call until a call has another one, so that many calls with one context cost no more
// than the first.
type direction struct {
	setDeadline func(time.Time) error
	done        <-chan struct{} // of the watched context
	stop        func() bool     // stops watching; false if the deadline was set
	broken      error
}

// aLongTimeAgo is a deadline that ends every call.
var aLongTimeAgo = time.Unix(1, 0)

// do calls f, and ends it when ctx ends.
func (d *direction) do(ctx context.Context, f func() (int, error)) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if d.broken != nil {
		return 0, d.broken
	}
	if done := ctx.Done(); done != d.done {
		d.unwatch()
		if done != nil {
			d.stop = scope.Watch(ctx, func() { _ = d.setDeadline(aLongTimeAgo) })
		}
		d.done = done
	}
	n, err = f()
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil {
		err = ctx.Err()
	}
	return n, err
}

// unwatch stops watching a context, and removes the deadline that its end has set.
func (d *direction) unwatch() {
	if d.stop != nil && !d.stop() {
		_ = d.setDeadline(time.Time{})
	}
	d.done, d.stop = nil, nil
}

// partly is the error of a call that failed after it had moved n bytes: with some, the direction is broken.
func (d *direction) partly(n int, err error) error {
	if n == 0 {
		return err
	}
	return d.fail(n, err)
}

// fail breaks the direction.
func (d *direction) fail(n int, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	d.broken = fmt.Errorf("%w, after %d bytes: %w", ErrBroken, n, err)
	return err
}

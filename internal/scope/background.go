// SPDX-License-Identifier: MIT

package scope

import "context"

// OrBackground returns ctx, or [context.Background] if ctx is nil. Calls of the application pass their context through it
// before anything else is done: a context that cannot be asked panics here, in the caller's goroutine and without locks.
func OrBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	_ = ctx.Done()
	return ctx
}

// Ended returns the error of a context that has ended, and nil for others and for a nil context. Every call that takes a
// context checks it first: queued messages are left to the next call, and nothing is sent.
func Ended(ctx context.Context) error {
	if ctx == nil {
		return nil
	}
	return ctx.Err()
}

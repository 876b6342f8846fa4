// SPDX-License-Identifier: MIT

// Package wait has the waits of the verbs. All end with their context.
package wait

import (
	"context"
	"os"
	"time"
)

// For waits for d. If it is 0 or negative, it only reports whether ctx has ended.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look is the time between two looks of Until.
const look = 2 * time.Millisecond

// Until waits until something is so.
func Until(ctx context.Context, so func() bool) error {
	for !so() {
		if err := For(ctx, look); err != nil {
			return err
		}
	}
	return nil
}

// Each calls f whenever an interval has passed, unless that is 0, and whenever ask receives, until ctx ends.
func Each(ctx context.Context, interval time.Duration, ask <-chan os.Signal, f func()) {
	var due <-chan time.Time
	if interval > 0 {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		due = ticker.C
	}
	for {
		select {
		case <-due:
		case <-ask:
		case <-ctx.Done():
			return
		}
		f()
	}
}

// SPDX-License-Identifier: MIT

package device

import (
	"context"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/wait"
)

// A limiter spaces the messages of a direction. Those that wait stay in the connections, as back-pressure.
type limiter struct {
	rate float64 // messages per second
	next time.Time
}

// atOnce is how many messages may be taken together: those of a tenth of a second.
func (l *limiter) atOnce() int { return max(1, min(batchMax, int(l.rate/10))) }

// wait waits until n more messages may pass.
func (l *limiter) wait(ctx context.Context, n int) error {
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	due := time.Until(l.next)
	l.next = l.next.Add(time.Duration(float64(n) / l.rate * float64(time.Second)))
	return wait.For(ctx, due)
}

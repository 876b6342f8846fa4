// SPDX-License-Identifier: MIT

package device

import (
	"context"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// report prints the counters, at intervals and on request, until ctx ends.
func (o *Options) report(ctx context.Context, j *joint) {
	var due <-chan time.Time
	if o.Every > 0 {
		ticker := time.NewTicker(o.Every)
		defer ticker.Stop()
		due = ticker.C
	}
	for {
		select {
		case <-due:
		case <-o.Ask:
		case <-ctx.Done():
			return
		}
		o.figures(j, o.Print)
	}
}

// figures prints the received, sent and lost messages of both sides.
func (o *Options) figures(j *joint, say func(form string, args ...any)) {
	atFront, atBack := j.lost()
	say("%s: %s", o.Front.Name, endpoint.Figures(j.front, atFront))
	say("%s: %s", o.Back.Name, endpoint.Figures(j.back, atBack))
}

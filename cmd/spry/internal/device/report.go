// SPDX-License-Identifier: MIT

package device

import (
	"context"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/wait"
)

// report prints the counters, at intervals and on request, until ctx ends.
func (o *Options) report(ctx context.Context, j *joint) {
	wait.Each(ctx, o.Every, o.Ask, func() { o.figures(j, o.Print) })
}

// figures prints the received, sent and lost messages of both sides.
func (o *Options) figures(j *joint, say func(form string, args ...any)) {
	atFront, atBack := j.lost()
	say("%s: %s", o.Front.Name, endpoint.Figures(j.front, atFront))
	say("%s: %s", o.Back.Name, endpoint.Figures(j.back, atBack))
}

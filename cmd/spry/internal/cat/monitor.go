// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// Monitor opens a socket, sends and receives nothing, and prints what happens on it until ctx ends.
func Monitor(ctx context.Context, opener Opener, o *Options, asJSON bool, stdio Stdio) error {
	_, socket, err := open(opener, o)
	if err != nil {
		return err
	}
	defer socket.Close()
	if o.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.For)
		defer cancel()
	}
	events := socket.Events(ctx)
	if err := o.Endpoints.Open(ctx, socket, func(string, ...any) {}); err != nil {
		return err
	}
	encoder := json.NewEncoder(stdio.Out)
	seen := int64(0)
	for e := range events {
		if asJSON {
			err = encoder.Encode(endpoint.Record(e))
		} else {
			_, err = fmt.Fprintf(stdio.Out, "%s %s\n", e.Time.Format(time.StampMilli), endpoint.EventText(e))
		}
		if err != nil {
			return err
		}
		if seen++; o.Count > 0 && seen >= o.Count {
			return nil
		}
	}
	if seen < o.Count {
		return exit.Errorf(exit.Partial, "%d of %d events were seen", seen, o.Count)
	}
	return nil
}

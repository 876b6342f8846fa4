// SPDX-License-Identifier: MIT

package bench

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// patience is how long a busy machine may take to connect.
const patience = time.Minute

// interrupter is standard error that interrupts when something is said on it.
type interrupter struct {
	when      string
	interrupt context.CancelFunc
}

func (i interrupter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), i.when) {
		i.interrupt()
	}
	return len(p), nil
}

// What was measured before an interrupt is printed.
func TestInterruptedPrintsWhatThereIs(t *testing.T) {
	for _, kind := range []string{Thr, Lat, Callers, Fan} {
		for when, want := range map[string]struct {
			code int
			rows int
		}{"round 1 of": {exit.NoPeer, 0}, "round 3 of": {exit.Partial, 2}} {
			ctx, cancel := context.WithCancel(t.Context())
			var out bytes.Buffer
			err := RunWithin(ctx, Options{
				Work:  Work{Kind: kind, Mode: Plain, Count: 100, Callers: 4, Subs: 2},
				Sizes: []int{64}, Rounds: 5, Form: JSON, Out: &out, Err: interrupter{when, cancel}, Live: true,
				ConnectTimeout: patience,
			})
			cancel()
			if exit.Code(err) != want.code || strings.Count(out.String(), "\n") != want.rows {
				t.Errorf("%s, interrupted in %s 5: %v\n%s", kind, when, err, out.String())
			}
		}
	}
}

// Without a count, an interrupt is an end like any other.
func TestInterruptedWithoutACount(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	err := RunWithin(ctx, Options{
		Work:  Work{Kind: Lat, Mode: Plain, For: time.Second},
		Sizes: []int{64}, Rounds: 5, Out: &out, Err: interrupter{"round 2 of", cancel}, Live: true, ConnectTimeout: patience,
	})
	if err != nil || !strings.Contains(out.String(), "\n64 B  ") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/source"
)

func TestPacerCatchesUpAfterADelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := pacer{interval: time.Second}
		var at []time.Duration
		for i := range 4 {
			if i == 1 {
				time.Sleep(2500 * time.Millisecond) // somebody was slow
			}
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Since(start))
		}
		want := []time.Duration{0, 2500 * time.Millisecond, 2500 * time.Millisecond, 3 * time.Second}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("message %d went at %s, want %s", i, at[i], want[i])
			}
		}
	})
}

// A source that waits for input must not keep the command from ending.
func TestReadEndsWhileItsInputWaits(t *testing.T) {
	in, keepOpen := io.Pipe()
	defer keepOpen.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go keepOpen.Write([]byte("one\n"))
	n := 0
	for run, err := range read(ctx, &source.Source{Stdin: in, Split: source.Lines}) {
		if err != nil {
			break
		}
		n++
		if len(run) != 1 || string(run[0][0]) != "one" {
			t.Errorf("got %q", run)
		}
		cancel()
	}
	if n != 1 {
		t.Errorf("%d messages", n)
	}
}

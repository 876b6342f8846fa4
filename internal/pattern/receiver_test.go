// SPDX-License-Identifier: MIT

package pattern

import (
	"runtime"
	"testing"
	"weak"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire/sp"
)

// A receiver does not keep the pipes that are over, however many peers come and go.
func TestReceiverForgetsPastPipes(t *testing.T) {
	o := house(sp.Dialect)
	_, s := open(t, o, func(_ *engine.Socket, o engine.Options) *Pull { return NewPull(hello(sp.Pull), o, false) })
	var past []weak.Pointer[engine.Pipe]
	for range 10 {
		_, pushes := open(t, o, func(*engine.Socket, engine.Options) *Push { return NewPush(hello(sp.Push), false, false) })
		visit(t, s, pushes)
		until(t, "the pipe is there", func() bool { return len(s.Pipes()) == 1 })
		past = append(past, weak.Make(s.Pipes()[0]))
		must(t, pushes.Close())
		until(t, "the pipe is over", func() bool { return len(s.Pipes()) == 0 })
	}
	kept := len(past)
	for turn := 0; kept > 2 && turn < 500; turn++ { // what ends the latest may still be at it
		runtime.GC()
		kept = 0
		for _, p := range past {
			if p.Value() != nil {
				kept++
			}
		}
	}
	if kept > 2 {
		t.Errorf("%d of %d pipes that are over are kept", kept, len(past))
	}
}

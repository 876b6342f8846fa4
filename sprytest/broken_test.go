// SPDX-License-Identifier: MIT

package sprytest_test

import (
	"sync/atomic"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/sprytest"
)

// A breaker is a pattern that drops the messages of a broken pipe, and says afterwards that it sends them by another.
type breaker struct {
	engine.Pattern
	promises atomic.Bool
}

func (b *breaker) Traits() engine.Traits {
	t := b.Pattern.Traits()
	t.ReturnsUnsent = b.promises.Load()
	return t
}

// breakPromise runs a socket with a broken pattern.
func breakPromise(w *sprytest.World) {
	pull := spry.NewPull(&spry.PullOptions{Options: w.Host("server").Options()})
	defer pull.Close()
	_, err := pull.Listen(w.Context(), "tcp://*:5555")
	check(w, err)

	p, _ := sp.Lookup(sp.Push)
	b := &breaker{Pattern: pattern.NewPush(p.Hello(), false, false)}
	o := engine.Options{Name: "broken", Dialects: []wire.Dialect{sp.Dialect}, Transports: w.Host("client").Options().Transports}
	push := engine.NewSocket(o, func(*engine.Socket, engine.Options) engine.Pattern { return b })
	defer push.Close()
	_, err = push.Dial(w.Context(), "tcp://server:5555", engine.EndpointConfig{}, true)
	check(w, err)
	w.Host("client").To(w.Host("server")).Block(true)
	pipe := push.Pipes()[0]
	for range 3 { // more than the connection takes
		_, write := pipe.TryQueue(false, nil, make([]byte, 100<<10), nil)
		write.Write()
	}
	w.Wait()
	w.CutAll()
	<-pipe.Done()
	b.promises.Store(true)
}

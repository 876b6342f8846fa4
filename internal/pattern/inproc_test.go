// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
)

// patience is a watchdog, in virtual time.
const patience = time.Hour

// A house is options for sockets that meet within the process, with room for few messages, in a network of its own.
func house(dialects ...wire.Dialect) engine.Options {
	return engine.Options{Network: engine.NewNetwork(), Dialects: dialects, SendQueue: 2, RecvQueue: 2, Linger: -1}
}

// visit connects client to server within the process.
func visit(t *testing.T, server, client *engine.Socket) *engine.Endpoint {
	t.Helper()
	name := "inproc://" + server.Name()
	if len(server.Stats().Endpoints) == 0 {
		if _, err := server.Listen(t.Context(), name, engine.EndpointConfig{}); err != nil {
			t.Fatal(err)
		}
	}
	e, err := client.Dial(t.Context(), name, engine.EndpointConfig{}, true)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// fill sends without waiting until there is no room, and returns how many messages were taken.
func fill(t *testing.T, try func() error) (n int) {
	t.Helper()
	for ; n < 1000; n++ {
		switch err := try(); {
		case errors.Is(err, engine.ErrWouldBlock):
			return n
		case err != nil:
			t.Fatal(err)
		}
	}
	t.Fatalf("%d messages were taken: nobody waits for room", n)
	return n
}

// finished reports whether a call in another goroutine is over, and demands that it succeeded.
func finished(t *testing.T, done <-chan error) bool {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
		return true
	default:
		return false
	}
}

func inBackground(f func(ctx context.Context) error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f(context.Background()) }()
	return done
}

// A listening peer calls a function of the test with what it receives.
type hearer struct {
	sides
	hear func(p *engine.Pipe, m *msg.Message)
}

func (h *hearer) Receive(p *engine.Pipe, run []msg.Message) int {
	for i := range run {
		h.hear(p, &run[i])
		run[i].Release()
	}
	p.Took(len(run))
	return len(run)
}

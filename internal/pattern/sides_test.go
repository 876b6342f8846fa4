// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// When a socket closes, callers that wait on either side of its pattern are told.
func TestBothSidesEndWithTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dealer, s := open(t, house(zmtp.Dialect), func(_ *engine.Socket, o engine.Options) *Dealer {
			return NewDealer(zmtp.Dealer.Hello(), o, false)
		})
		receives := inBackground(func(ctx context.Context) error { _, err := dealer.Recv(ctx); return err })
		sends := inBackground(func(ctx context.Context) error { return dealer.Send(ctx, true, []byte("to anybody"), nil) })
		synctest.Wait()
		must(t, s.Close())
		synctest.Wait()
		for name, done := range map[string]<-chan error{"Recv": receives, "Send": sends} {
			select {
			case err := <-done:
				if !errors.Is(err, engine.ErrClosed) {
					t.Errorf("%s returned %v", name, err)
				}
			default:
				t.Errorf("%s still waits", name)
			}
		}
	})
}

// A side that a pattern does not have refuses, and does not wait.
func TestMissingSide(t *testing.T) {
	none, s := open(t, house(sp.Dialect), func(s *engine.Socket, _ engine.Options) *Raw {
		return NewRaw(s, RawProtocol{Hello: hello(sp.Push), Route: RouteBalance}, engine.DropOldest)
	})
	defer func() { must(t, s.Close()) }()
	if _, err := none.Recv(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Recv: %v", err)
	}
	if _, err := none.TryRecv(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("TryRecv: %v", err)
	}
	if _, err := none.RecvBatch(t.Context(), make([]*msg.Message, 1)); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("RecvBatch: %v", err)
	}
}

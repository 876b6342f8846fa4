// SPDX-License-Identifier: MIT

package spry_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// The result of Events can be looped over again, until the socket is closed.
func TestEventsGoOn(t *testing.T) {
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	events := pull.Events(testkit.Watchdog(t))
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "tcp"))
	for e := range events {
		if e.Kind == spry.EventPipeUp {
			break
		}
	}
	testkit.Check(t, push.Close())
	enough, churned := make(chan struct{}), make(chan error, 1)
	e := testkit.ListenOn(t, pull, "tcp")
	go func() { churned <- churn(e, enough) }()
	for range events {
		break
	}
	close(enough)
	testkit.Check(t, <-churned)
	testkit.Check(t, pull.Close())
	for e := range events {
		t.Errorf("%v after the end", e.Kind)
	}
}

// churn makes pipes come and go until it is enough.
func churn(e *spry.Endpoint, enough <-chan struct{}) error {
	for {
		select {
		case <-enough:
			return nil
		default:
		}
		push := spry.NewPush(nil)
		_, err := push.DialWith(context.Background(), testkit.DialerTo(e))
		if err := errors.Join(err, push.Close()); err != nil {
			return err
		}
	}
}

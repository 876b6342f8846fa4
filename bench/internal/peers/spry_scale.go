// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bench/internal/worker"
)

const anyPort = "tcp://127.0.0.1:0"

// spryUnwanted has many subscribers with a topic each, or one with topics of many lengths. The body begins with none of them, but
// shares all bytes but the last with each of those lengths.
func spryUnwanted(s worker.Settings) (worker.Sender, error) {
	ctx := context.Background()
	pub := spry.NewPub(nil)
	at, err := pub.Listen(ctx, anyPort)
	if err != nil {
		return nil, err
	}
	s.URL = at.URL()
	topics := make([]string, s.Subs)
	for i := range topics {
		if topics[i] = fmt.Sprintf("topic %d", i); s.Shape == "lengths" {
			topics[i] = strings.Repeat("x", i) + "y"
		}
	}
	var sub *spry.Sub
	for _, topic := range topics {
		if sub == nil || s.Shape != "lengths" {
			sub = spry.NewSub(nil)
			if _, err := sub.Dial(ctx, spryAddress(s)); err != nil {
				return nil, err
			}
		}
		if err := sub.Subscribe(topic); err != nil {
			return nil, err
		}
		if err := pub.WaitSubscribers(ctx, topic, 1); err != nil {
			return nil, err
		}
	}
	return newSprySender(pub, s), nil
}

// sprySpread pushes to many connections in turn.
func sprySpread(s worker.Settings) (worker.Sender, error) {
	push := spry.NewPush(nil)
	at, err := push.Listen(context.Background(), anyPort)
	if err != nil {
		return nil, err
	}
	if _, err := worker.OpenSinks(at.URL(), "sp-pull", s.Pipes); err != nil {
		return nil, err
	}
	return newSprySender(push, s), push.WaitPipes(context.Background(), s.Pipes)
}

// spryPipes opens connections to one socket, and closes it.
func spryPipes(s worker.Settings) (opened, closed time.Duration, err error) {
	push := spry.NewPush(nil)
	at, err := push.Listen(context.Background(), anyPort)
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	sinks, err := worker.OpenSinks(at.URL(), "sp-pull", s.Pipes)
	if err != nil {
		return 0, 0, err
	}
	defer sinks.Close()
	if err := push.WaitPipes(context.Background(), s.Pipes); err != nil {
		return 0, 0, err
	}
	opened = time.Since(start)
	start = time.Now()
	err = push.Close()
	return opened, time.Since(start), err
}

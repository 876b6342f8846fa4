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
// shares all bytes but the last with each of those lengths. If they are nested, it begins with all of them, and is received.
func spryUnwanted(s worker.Settings) (worker.Sender, error) {
	ctx := context.Background()
	pub := spry.NewPub(nil)
	at, err := pub.Listen(ctx, anyPort)
	if err != nil {
		return nil, err
	}
	s.URL = at.URL()
	topics := make([]string, s.Subs)
	one := s.Shape == "lengths" || s.Shape == "nested"
	for i := range topics {
		switch s.Shape {
		case "lengths":
			topics[i] = strings.Repeat("x", i) + "y"
		case "nested":
			topics[i] = strings.Repeat("x", i+1)
		default:
			topics[i] = fmt.Sprintf("topic %d", i)
		}
	}
	var sub *spry.Sub
	for _, topic := range topics {
		if sub == nil || !one {
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
	if s.Shape == "nested" {
		go discard(sub)
	}
	return newSprySender(pub, s), nil
}

// discard receives until the process ends.
func discard(from sprySource) {
	for {
		m, err := from.RecvMsg(context.Background())
		if err != nil {
			return
		}
		m.Release()
	}
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

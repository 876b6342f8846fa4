// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"fmt"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bench/internal/worker"
)

type spryPublisher struct {
	*sprySender
	pub *spry.Pub
}

// spryPublish loses nothing: a full queue makes the publisher wait.
func spryPublish(s worker.Settings) (worker.Publisher, error) {
	pub := spry.NewPub(&spry.PubOptions{Overflow: spry.Block})
	_, err := pub.Listen(context.Background(), s.URL)
	return &spryPublisher{newSprySender(pub, s), pub}, err
}

func (p *spryPublisher) Wait(subs int) error {
	return p.pub.WaitSubscribers(context.Background(), "", subs)
}

func sprySubscribe(s worker.Settings) ([]worker.Receiver, error) {
	all := make([]worker.Receiver, s.Subs)
	s.Pipes = 1
	for i := range all {
		sub := spry.NewSub(&spry.SubOptions{Overflow: spry.Block})
		if err := sub.Subscribe(""); err != nil {
			return nil, err
		}
		if _, err := sub.Dial(context.Background(), spryAddress(s)); err != nil {
			return nil, err
		}
		all[i] = newSpryReceiver(sub, s)
	}
	return all, nil
}

// sprySubscriptions makes a subscriber with topics of three lengths, so that a message's body is looked up for each.
// One topic more is that of the end marker.
func sprySubscriptions(s worker.Settings) (worker.Sender, worker.Receiver, error) {
	ctx, url := context.Background(), "inproc://subscriptions"
	pub := spry.NewPub(&spry.PubOptions{Overflow: spry.Block})
	if _, err := pub.Listen(ctx, url); err != nil {
		return nil, nil, err
	}
	sub := spry.NewSub(&spry.SubOptions{Overflow: spry.Block})
	for i := range s.Subs {
		if err := sub.Subscribe(fmt.Sprintf("%0*d", 16+8*(i%3), i)); err != nil {
			return nil, nil, err
		}
	}
	if _, err := sub.Dial(ctx, url); err != nil {
		return nil, nil, err
	}
	to := newSprySender(pub, s)
	copy(to.body, fmt.Sprintf("%016d", 0))
	if err := sub.Subscribe("x"); err != nil {
		return nil, nil, err
	}
	to.marker = []byte("x")
	s.Pipes = 1
	return to, newSpryReceiver(sub, s), nil
}

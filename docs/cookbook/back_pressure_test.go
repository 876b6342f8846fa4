// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sprymq/spry"
)

func Example_backPressure() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	short := spry.Options{Network: spry.NewNetwork(), SendQueue: 2, RecvQueue: 2}

	// Wait: a Push with a slow Pull is slowed down.
	pull := spry.NewPull(&spry.PullOptions{Options: short})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: short})
	defer push.Close()
	_, err := pull.Listen(ctx, "inproc://jobs")
	check(err)
	_, err = push.Dial(ctx, "inproc://jobs")
	check(err)
	queued := 0
	for push.TrySendMsg(spry.WrapMessage([]byte("job"), nil)) == nil { // until the queues are full
		queued++
	}
	brief, cancelBrief := context.WithTimeout(ctx, time.Millisecond)
	defer cancelBrief()
	err = push.Send(brief, []byte("one more"))
	fmt.Println("queues hold", queued, "jobs; Send waited:", errors.Is(err, context.DeadlineExceeded))

	// Drop: a Pub with a slow Sub goes on, and drops the oldest messages that are not on their way.
	sub := spry.NewSub(&spry.SubOptions{Options: short, Overflow: spry.DropOldest})
	defer sub.Close()
	pub := spry.NewPub(&spry.PubOptions{Options: short, Overflow: spry.DropOldest})
	defer pub.Close()
	_, err = pub.Listen(ctx, "inproc://prices")
	check(err)
	check(sub.Subscribe(""))
	_, err = sub.Dial(ctx, "inproc://prices")
	check(err)
	check(pub.WaitSubscribers(ctx, "", 1))
	for price := range 100 {
		check(pub.Send(ctx, fmt.Append(nil, price)))
	}
	check(pub.Flush(ctx)) // every message is with the Sub, or dropped
	sent, there := pub.Stats().Send, sub.Stats().Recv
	dropped := sent.Dropped[spry.ReasonOverflow] + there.Dropped[spry.ReasonOverflow]
	for range there.Queued {
		_, err := sub.Recv(ctx)
		check(err)
	}
	fmt.Println("received and counted as dropped:", there.Queued+dropped, "of 100; most are dropped:", dropped > there.Queued)
	// Output:
	// queues hold 4 jobs; Send waited: true
	// received and counted as dropped: 100 of 100; most are dropped: true
}

// SPDX-License-Identifier: MIT

package zmqperf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sprymq/spry"
)

// localThr receives, and prints the rate.
func localThr(ctx context.Context, r *run) error {
	pull := spry.NewPull(&spry.PullOptions{Options: r.options()})
	defer pull.Close()
	if _, err := pull.Listen(ctx, r.url); err != nil {
		return err
	}
	took, err := r.receive(ctx, pull)
	if err != nil {
		return err
	}
	r.printWork("message count")
	r.printThroughput(took)
	return nil
}

// remoteThr sends.
func remoteThr(ctx context.Context, r *run) error {
	push := spry.NewPush(&spry.PushOptions{Options: r.options()})
	defer push.Close()
	if _, err := push.Connect(dialect + r.url); err != nil {
		return err
	}
	if err := r.send(ctx, push); err != nil {
		return err
	}
	return push.Shutdown(ctx) // all of it is sent, however long that takes
}

// inprocThr does both in one process.
func inprocThr(ctx context.Context, r *run) error {
	const url = "inproc://thr_test"
	options := r.options()
	options.Network = spry.NewNetwork()
	pull, push := spry.NewPull(&spry.PullOptions{Options: options}), spry.NewPush(&spry.PushOptions{Options: options})
	defer pull.Close()
	defer push.Close()
	if _, err := pull.Listen(ctx, url); err != nil {
		return err
	}
	if _, err := push.Dial(ctx, url); err != nil {
		return err
	}
	r.printWork("message count")
	sent := make(chan error, 1)
	go func() { sent <- r.send(ctx, push) }()
	took, err := r.receive(ctx, pull)
	if err != nil {
		push.Close() // a sender that waits for room waits no longer
		return errors.Join(err, unlessClosed(<-sent))
	}
	if err := <-sent; err != nil {
		return err
	}
	r.printThroughput(took)
	return nil
}

func (r *run) send(ctx context.Context, push *spry.Push) error {
	body := make([]byte, r.size)
	for range r.count {
		if err := push.Send(ctx, body); err != nil {
			return err
		}
	}
	return nil
}

// receive returns the time from the first message to the last.
func (r *run) receive(ctx context.Context, pull *spry.Pull) (time.Duration, error) {
	var start time.Time
	for i := range r.count {
		m, err := pull.RecvMsg(ctx)
		if err != nil {
			return 0, err
		}
		if m.Len() != r.size {
			return 0, errSize
		}
		m.Release()
		if i == 0 {
			start = time.Now()
		}
	}
	return time.Since(start), nil
}

// options take the messages that were asked for, however large.
func (r *run) options() spry.Options {
	return spry.Options{MaxMessageSize: -1}
}

// printWork prints the size and the count.
func (r *run) printWork(count string) {
	fmt.Fprintf(r.out, "message size: %d [B]\n%s: %d\n", r.size, count, r.count)
}

func (r *run) printThroughput(took time.Duration) {
	rate := float64(r.count) / max(took, time.Microsecond).Seconds()
	fmt.Fprintf(r.out, "mean throughput: %d [msg/s]\nmean throughput: %.3f [Mb/s]\n", int64(rate), rate*float64(r.size)*8/1e6)
}

// SPDX-License-Identifier: MIT

package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// A dialing is the client's side of one run.
type dialing struct {
	*client
	work   *Work
	number uint64
	url    string
	ending context.Context // for work after Ctrl-C too
}

func (d *dialing) open(socket endpoint.Socket) error {
	if err := d.dial(d.ending, socket, d.url); err != nil {
		return fmt.Errorf("for data: %w", err)
	}
	return nil
}

func (d *dialing) finish() (reply, error) {
	return d.ask(d.ending, request{Finish: d.number})
}

func (d *dialing) push(ctx context.Context) (Result, error) {
	push := spry.NewPush(&spry.PushOptions{Options: d.work.options(d.network)})
	defer push.Close()
	if err := d.open(push); err != nil {
		return Result{}, err
	}
	sent, err := newSender(push, d.work).flow(d.ending, ctx, d.work)
	if err != nil {
		return Result{}, err
	}
	got, err := d.finish()
	return flowResult(got.Messages, sent, got.Seconds), err
}

func (d *dialing) call(ctx context.Context) (Result, error) {
	req := spry.NewReq(&spry.ReqOptions{Options: d.work.options(d.network), Retry: -1})
	defer req.Close()
	if err := d.open(req); err != nil {
		return Result{}, err
	}
	callers := max(d.work.Callers, 1)
	if _, err := ask(ctx, req, d.work.Size, callers, d.work.warming()); err != nil {
		return Result{}, err
	}
	got, err := ask(ctx, req, d.work.Size, callers, d.work.measuring())
	if err != nil {
		return Result{}, err
	}
	_, err = d.finish()
	return askResult(got), err
}

func (d *dialing) subscribe(ctx context.Context) (Result, error) {
	subs := make([]*spry.Sub, d.work.Subs)
	for i := range subs {
		sub := spry.NewSub(&spry.SubOptions{Options: d.work.options(d.network), Overflow: spry.Block})
		defer sub.Close()
		if err := sub.Subscribe(""); err != nil {
			return Result{}, err
		}
		if err := d.open(sub); err != nil {
			return Result{}, err
		}
		subs[i] = sub
	}
	var (
		all  sync.WaitGroup
		got  = make([]counted, len(subs))
		errs = make([]error, len(subs))
		over = make(chan struct{})
	)
	receiving, cancel := context.WithCancel(d.ending)
	defer cancel()
	for i, sub := range subs {
		all.Go(func() {
			if got[i], errs[i] = receive(receiving, sub, d.work.Mode); errs[i] != nil {
				cancel() // the flow is not whole any more
			}
		})
	}
	go func() { all.Wait(); close(over) }()
	select {
	case <-over:
	case <-ctx.Done(): // the server is asked to stop before everything has arrived
	}
	sent, err := d.finish()
	if err != nil {
		cancel()
	}
	<-over
	if err := errors.Join(err, errors.Join(errs...)); err != nil {
		return Result{}, err
	}
	return fanResult(got, sent.Messages), nil
}

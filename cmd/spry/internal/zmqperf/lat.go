// SPDX-License-Identifier: MIT

package zmqperf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sprymq/spry"
)

// localLat answers as many requests as were announced.
func localLat(ctx context.Context, r *run) error {
	rep := spry.NewRep(&spry.RepOptions{Options: r.options()})
	defer rep.Close()
	if _, err := rep.Listen(ctx, r.url); err != nil {
		return err
	}
	if err := r.answer(ctx, rep); err != nil {
		return err
	}
	return rep.Shutdown(ctx) // the last reply must still be sent
}

// remoteLat asks, and prints the duration.
func remoteLat(ctx context.Context, r *run) error {
	req := spry.NewReq(&spry.ReqOptions{Options: r.options(), Retry: -1})
	defer req.Close()
	if _, err := req.Connect(dialect + r.url); err != nil {
		return err
	}
	took, err := r.ask(ctx, req)
	if err != nil {
		return err
	}
	r.printWork("roundtrip count")
	r.printLatency(took)
	return nil
}

// inprocLat does both in one process.
func inprocLat(ctx context.Context, r *run) error {
	const url = "inproc://lat_test"
	options := r.options()
	options.Network = spry.NewNetwork()
	rep, req := spry.NewRep(&spry.RepOptions{Options: options}), spry.NewReq(&spry.ReqOptions{Options: options, Retry: -1})
	defer rep.Close()
	defer req.Close()
	if _, err := rep.Listen(ctx, url); err != nil {
		return err
	}
	if _, err := req.Dial(ctx, url); err != nil {
		return err
	}
	r.printWork("roundtrip count")
	answered := make(chan error, 1)
	go func() { answered <- r.answer(ctx, rep) }()
	took, err := r.ask(ctx, req)
	if err != nil {
		rep.Close()
		return errors.Join(err, unlessClosed(<-answered))
	}
	if err := <-answered; err != nil {
		return err
	}
	r.printLatency(took)
	return nil
}

func (r *run) answer(ctx context.Context, rep *spry.Rep) error {
	for range r.count {
		request, err := rep.Recv(ctx)
		if err != nil {
			return err
		}
		if request.Message().Len() != r.size {
			return errSize
		}
		if err := request.Reply(ctx, request.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// ask returns how long all the round trips took. libzmq's tool includes the time to connect; here the connection is
// there before the first.
func (r *run) ask(ctx context.Context, req *spry.Req) (time.Duration, error) {
	if err := req.WaitPipes(ctx, 1); err != nil {
		return 0, err
	}
	body, m := make([]byte, r.size), spry.NewMessage(r.size)
	start := time.Now()
	for range r.count {
		m.Write(body)
		reply, err := req.DoMsg(ctx, m)
		if err != nil {
			return 0, err
		}
		if reply.Len() != r.size {
			return 0, errSize
		}
		reply.Release()
	}
	return time.Since(start), nil
}

// printLatency prints that of one way, which is half a round trip.
func (r *run) printLatency(took time.Duration) {
	oneWay := took.Seconds() * 1e6 / float64(2*r.count)
	fmt.Fprintf(r.out, "average latency: %.3f [us]\n", oneWay)
}

// SPDX-License-Identifier: MIT

package tour

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// Peer is the other end of the tour: it takes orders from in and answers on out, until in ends.
func Peer(ctx context.Context, in io.Reader, out io.Writer) error {
	orders, answers := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if o.Run == nil {
			return errors.New("the tour sent something else than a job")
		}
		if err := obey(ctx, *o.Run, orders, answers); err != nil {
			return errors.Join(err, answers.Encode(answer{Error: err.Error()}))
		}
	}
}

// obey does one job.
func obey(ctx context.Context, j job, orders *json.Decoder, answers *json.Encoder) error {
	worker, err := roleOf(j.Role)
	if worker != nil {
		defer worker.socket.Close()
	}
	if err != nil {
		return err
	}
	config, err := trust(j.Trusted)
	if err != nil {
		return err
	}
	if _, err := worker.socket.DialWith(ctx, &spry.DialConfig{URL: j.URL, TLS: config}); err != nil {
		return err
	}
	if err := worker.socket.WaitPipes(ctx, 1); err != nil {
		return err
	}
	if err := answers.Encode(answer{Ready: true}); err != nil {
		return err
	}

	working, finish := context.WithCancel(ctx)
	defer finish()
	done := make(chan error, 1)
	go func() { done <- worker.work(working) }()
	var o order
	err = orders.Decode(&o)
	if err == nil {
		err = worker.settle(ctx)
	}
	finish()
	if workErr := <-done; workErr != nil && !errors.Is(workErr, context.Canceled) {
		err = errors.Join(err, workErr)
	}
	if err != nil {
		return err
	}
	worker.rest()
	worker.count.Drops = map[string]int64{}
	for _, drop := range endpoint.Drops(worker.socket) {
		worker.count.Drops[string(drop.Reason)] = int64(drop.Count)
	}
	return answers.Encode(answer{Report: &worker.count})
}

// A worker is a peer's socket in a role.
type worker struct {
	socket endpoint.Socket
	work   func(ctx context.Context) error // until ctx ends
	rest   func()                          // takes the remaining messages out of the queues
	settle func(ctx context.Context) error // waits until nothing more can come
	count  report
}

// arrived counts a message.
func (w *worker) arrived(body []byte) {
	w.count.Received++
	t := now()
	if at, ok := stampOf(body); ok {
		w.count.Latency = append(w.count.Latency, t-at)
		return
	}
	w.count.Fast++
	w.count.LastNS = t
}

// roleOf opens a worker's socket.
func roleOf(name string) (*worker, error) {
	w := &worker{rest: func() {}, settle: func(context.Context) error { return nil }}
	for _, l := range legs {
		if l.role == name {
			return w, l.work(w)
		}
	}
	return nil, fmt.Errorf("no role %q", name)
}

func workPull(w *worker) error {
	s := spry.NewPull(&spry.PullOptions{Options: options()})
	w.socket = s
	w.sink(s)
	return nil
}

func workSub(w *worker) error {
	s := spry.NewSub(&spry.SubOptions{Options: options(), Overflow: spry.Block})
	w.socket = s
	w.sink(s)
	return s.Subscribe("")
}

func workRep(w *worker) error {
	s := spry.NewRep(&spry.RepOptions{Options: options()})
	w.socket, w.work = s, w.answerAll(s.Recv)
	return nil
}

func workRespond(w *worker) error {
	s := spry.NewRespondent(&spry.RespondentOptions{Options: options()})
	w.socket, w.work = s, w.answerAll(s.Recv)
	return nil
}

func workPair(w *worker) error {
	s := spry.NewPair(&spry.PairOptions{Options: options()})
	w.socket, w.work = s, w.echo(s)
	return nil
}

func workBus(w *worker) error {
	s := spry.NewBus(&spry.BusOptions{Options: options()})
	w.socket, w.work = s, w.echo(s)
	return nil
}

// sink makes the worker count received messages. It has everything when the tour's end of the connection is closed and its
// own queues are empty.
func (w *worker) sink(s interface {
	spry.Receiver
	TryRecvMsg() (*spry.Message, error)
},
) {
	take := func(m *spry.Message) {
		w.arrived(m.Bytes())
		m.Release()
	}
	w.work = func(ctx context.Context) error {
		for {
			m, err := s.RecvMsg(ctx)
			if err != nil {
				return err
			}
			take(m)
		}
	}
	w.rest = func() {
		for {
			m, err := s.TryRecvMsg()
			if err != nil || m == nil {
				return
			}
			take(m)
		}
	}
	w.settle = func(ctx context.Context) error { return endpoint.WaitNoPipes(ctx, w.socket) }
}

// echo makes the worker send everything back.
func (w *worker) echo(s interface {
	spry.Receiver
	spry.Sender
},
) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			m, err := s.RecvMsg(ctx)
			if err != nil {
				return err
			}
			w.count.Received++
			if err := s.SendMsg(ctx, m); err != nil {
				return err
			}
		}
	}
}

// answerAll makes the worker answer every request with itself.
func (w *worker) answerAll(recv func(context.Context) (*spry.Request, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			request, err := recv(ctx)
			if err != nil {
				return err
			}
			w.count.Received++
			if err := request.Reply(ctx, request.Bytes()); err != nil {
				return err
			}
		}
	}
}

// patience limits waits that should never happen.
const patience = 30 * time.Second

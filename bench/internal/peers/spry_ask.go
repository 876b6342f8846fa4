// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"io"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bench/internal/worker"
)

// A spryEcho is a Rep that answers every request with itself.
type spryEcho struct {
	rep  *spry.Rep
	done chan struct{}
}

func spryServe(s worker.Settings) (io.Closer, error) {
	rep := spry.NewRep(&spry.RepOptions{Options: spryServer(s)})
	if err := spryBind(s, rep); err != nil {
		return nil, err
	}
	echo := &spryEcho{rep: rep, done: make(chan struct{})}
	go func() {
		defer close(echo.done)
		ctx := context.Background()
		for {
			r, err := rep.Recv(ctx)
			if err != nil {
				return // closed
			}
			// A requester learns nothing of a reply that cannot be sent: its pipe has ended.
			_ = r.ReplyMsg(ctx, r.Message())
		}
	}()
	return echo, nil
}

func (e *spryEcho) Close() error {
	err := e.rep.Close()
	<-e.done
	return err
}

type spryAsker struct {
	req  *spry.Req
	body []byte
	m    *spry.Message
}

func newSpryAsker(req *spry.Req, s worker.Settings) *spryAsker {
	return &spryAsker{req: req, body: worker.Body(s.Size), m: spry.NewMessage(s.Size)}
}

func spryAsk(s worker.Settings) (worker.Asker, error) {
	options, err := spryClient(s)
	if err != nil {
		return nil, err
	}
	req := spry.NewReq(&spry.ReqOptions{Options: options})
	if err := spryConnect(s, req); err != nil {
		return nil, err
	}
	return newSpryAsker(req, s), nil
}

func spryInprocAsk(s worker.Settings) (worker.Asker, error) {
	s.URL = "inproc://bench"
	server, err := spryServe(s)
	if err != nil {
		return nil, err
	}
	a, err := spryAsk(s)
	if err != nil {
		return nil, err
	}
	return &closing{Asker: a, with: server}, nil
}

func spryCallers(s worker.Settings) ([]worker.Asker, error) {
	askers := make([]worker.Asker, s.Calls)
	var shared *spry.Req
	for i := range askers {
		if s.Shape == "conns" || shared == nil {
			a, err := spryAsk(s)
			if err != nil {
				return nil, err
			}
			askers[i], shared = a, a.(*spryAsker).req
			continue
		}
		askers[i] = newSpryAsker(shared, s)
	}
	return askers, nil
}

func (a *spryAsker) Ask() error {
	a.m.Write(a.body)
	reply, err := a.req.DoMsg(context.Background(), a.m)
	if err != nil {
		return err
	}
	reply.Release()
	return nil
}

func (a *spryAsker) Close() error { return a.req.Close() }

// closing is an asker that owns its server.
type closing struct {
	worker.Asker
	with io.Closer
}

func (c *closing) Close() error {
	_ = c.Asker.Close()
	return c.with.Close()
}

// SPDX-License-Identifier: MIT

package engine_test

import (
	"context"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
)

// A fuzzedKind is a kind of socket, and a program that uses it until it is closed.
type fuzzedKind struct {
	name  string
	hello transport.Hello
	bind  func(s *engine.Socket, h transport.Hello, o engine.Options) (p engine.Pattern, use func(ctx context.Context))
}

// receiving takes all messages that come, and does something with each.
func receiving(recv func(context.Context) (*msg.Message, error), each func(ctx context.Context, m *msg.Message)) func(context.Context) {
	return func(ctx context.Context) {
		for {
			m, err := recv(ctx)
			if err != nil {
				return
			}
			each(ctx, m)
			m.Release()
		}
	}
}

func forget(context.Context, *msg.Message) {}

// publishing sends some messages, to whoever wants them.
func publishing(send func(ctx context.Context, wait bool, body []byte, m *msg.Message) error) func(context.Context) {
	return func(ctx context.Context) {
		for _, body := range []string{"", "a", "topic"} {
			_ = send(ctx, true, []byte(body), nil)
		}
	}
}

var fuzzedKinds = []fuzzedKind{
	{"PULL", hello(sp.Pull), func(_ *engine.Socket, h transport.Hello, o engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewPull(h, o, false)
		return p, receiving(p.Recv, forget)
	}},
	{"REP", hello(sp.Rep), func(_ *engine.Socket, h transport.Hello, o engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewResponder(h, o)
		return p, func(ctx context.Context) {
			for {
				r, err := p.Recv(ctx)
				if err != nil {
					return
				}
				_ = r.Reply(ctx, r.Message().Body(), nil)
			}
		}
	}},
	{"PUB", hello(sp.Pub), func(s *engine.Socket, h transport.Hello, _ engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewPub(s, h, engine.DropOldest, false)
		return p, publishing(p.Send)
	}},
	{"SUB", hello(sp.Sub), func(_ *engine.Socket, h transport.Hello, o engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewSub(h, o, engine.DropOldest, false)
		_ = p.First().Subscribe("a")
		return p, receiving(p.First().Recv, forget)
	}},
	{"REQ", hello(sp.Req), func(s *engine.Socket, h transport.Hello, _ engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewReq(s, h, -1, false, false)
		return p, func(ctx context.Context) {
			if m, err := p.Do(ctx, []byte("question"), nil); err == nil {
				m.Release()
			}
		}
	}},
	{"PAIR", hello(sp.Pair0), func(_ *engine.Socket, h transport.Hello, o engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewPair(h, sp.Pair1, o)
		return p, receiving(p.Recv, func(ctx context.Context, m *msg.Message) { _ = p.Send(ctx, true, m.Body(), nil) })
	}},
	{"ROUTER", zmtp.Router.Hello(), func(_ *engine.Socket, h transport.Hello, o engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewRouter(h, o, true)
		return p, receiving(p.Recv, func(ctx context.Context, m *msg.Message) {
			back := m.Clone()
			if p.Send(ctx, true, p.Show(back)) != nil {
				back.Release()
			}
		})
	}},
	{"DEALER", zmtp.Dealer.Hello(), func(_ *engine.Socket, h transport.Hello, o engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewDealer(h, o, false)
		return p, receiving(p.Recv, func(ctx context.Context, m *msg.Message) {
			back := m.Clone()
			if p.Send(ctx, true, nil, back) != nil {
				back.Release()
			}
		})
	}},
	{"XPUB", zmtp.XPub.Hello(), func(s *engine.Socket, h transport.Hello, _ engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewXPub(s, h, engine.DropOldest, nil, 10)
		publish := publishing(p.Send)
		return p, func(ctx context.Context) {
			publish(ctx)
			receiving(p.Recv, forget)(ctx)
		}
	}},
	{"RADIO", zmtp.Radio.Hello(), func(s *engine.Socket, h transport.Hello, _ engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewPub(s, h, engine.DropOldest, true)
		return p, publishing(p.Send)
	}},
	{"CLIENT", zmtp.Client.Hello(), func(_ *engine.Socket, h transport.Hello, o engine.Options) (engine.Pattern, func(context.Context)) {
		p := pattern.NewDealer(h, o, false)
		return p, receiving(p.Recv, forget)
	}},
}

// SPDX-License-Identifier: MIT

package peers

import (
	"crypto/tls"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/pub"
	"go.nanomsg.org/mangos/v3/protocol/pull"
	"go.nanomsg.org/mangos/v3/protocol/push"
	"go.nanomsg.org/mangos/v3/protocol/rep"
	"go.nanomsg.org/mangos/v3/protocol/req"
	"go.nanomsg.org/mangos/v3/protocol/sub"
	_ "go.nanomsg.org/mangos/v3/transport/inproc" // transports register themselves
	_ "go.nanomsg.org/mangos/v3/transport/ipc"    // as does this
	_ "go.nanomsg.org/mangos/v3/transport/tcp"    // and this
	_ "go.nanomsg.org/mangos/v3/transport/tlstcp" // as well
	_ "go.nanomsg.org/mangos/v3/transport/ws"     // like this
	_ "go.nanomsg.org/mangos/v3/transport/wss"    // and this

	"github.com/sprymq/spry/bench/internal/worker"
)

// mangosSocket drives mangos with messages of its pools. Bodies are not filled, which is fastest.
type mangosSocket struct{ mangos.Socket }

// mangosContext is a requester of its own on a socket that many share.
type mangosContext struct {
	mangos.Context
	socket mangos.Socket
	size   int
}

func openMangos(kind string) (simpleSocket, error) {
	open := map[string]func() (mangos.Socket, error){
		"push": push.NewSocket, "pull": pull.NewSocket, "req": req.NewSocket,
		"rep": rep.NewSocket, "pub": pub.NewSocket, "sub": sub.NewSocket,
	}
	socket, err := open[kind]()
	if err == nil && kind == "sub" {
		err = socket.SetOption(mangos.OptionSubscribe, "")
	}
	return mangosSocket{socket}, err
}

func (s mangosSocket) Listen(url string) error {
	config, err := tlsServer(url)
	if err != nil {
		return err
	}
	return s.ListenOptions(url, mangosTLS(config))
}

func (s mangosSocket) Dial(url string) error { return s.DialOptions(url, mangosTLS(tlsClient(url))) }

func mangosTLS(config *tls.Config) map[string]any {
	if config == nil {
		return nil
	}
	return map[string]any{mangos.OptionTLSConfig: config}
}

func (s mangosSocket) Send(body []byte) error { return s.SendMsg(mangosMessage(len(body))) }

func mangosMessage(size int) *mangos.Message {
	m := mangos.NewMessage(size)
	m.Body = m.Body[:size]
	return m
}

func (s mangosSocket) Recv() (int, error) {
	m, err := s.RecvMsg()
	if err != nil {
		return 0, err
	}
	n := len(m.Body)
	m.Free()
	return n, nil
}

func (s mangosSocket) Echo() error {
	m, err := s.RecvMsg()
	if err != nil {
		return err
	}
	return s.SendMsg(m)
}

func mangosPeer() worker.Peer {
	p := simpleLibrary(openMangos).peer()
	connsOf := p.Callers
	p.Callers = func(s worker.Settings) ([]worker.Asker, error) {
		if s.Shape == "conns" {
			return connsOf(s)
		}
		return mangosContexts(s)
	}
	return p
}

// mangosContexts has all callers share one connection.
func mangosContexts(s worker.Settings) ([]worker.Asker, error) {
	socket, err := req.NewSocket()
	if err != nil {
		return nil, err
	}
	if err := socket.Dial(s.URL); err != nil {
		return nil, err
	}
	all := make([]worker.Asker, s.Calls)
	for i := range all {
		c, err := socket.OpenContext()
		if err != nil {
			return nil, err
		}
		all[i] = &mangosContext{c, socket, s.Size}
	}
	return all, nil
}

func (c *mangosContext) Ask() error {
	if err := c.SendMsg(mangosMessage(c.size)); err != nil {
		return err
	}
	m, err := c.RecvMsg()
	if err != nil {
		return err
	}
	m.Free()
	return nil
}

func (c *mangosContext) Close() error { return c.socket.Close() }

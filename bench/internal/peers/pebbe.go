// SPDX-License-Identifier: MIT

//go:build pebbe

package peers

import (
	"github.com/pebbe/zmq4"

	"github.com/sprymq/spry/bench/internal/worker"
)

// pebbeSocket drives libzmq through cgo.
type pebbeSocket struct{ *zmq4.Socket }

func openPebbe(kind string) (simpleSocket, error) {
	kinds := map[string]zmq4.Type{
		"push": zmq4.PUSH, "pull": zmq4.PULL, "req": zmq4.REQ, "rep": zmq4.REP, "pub": zmq4.PUB, "sub": zmq4.SUB,
	}
	socket, err := zmq4.NewSocket(kinds[kind])
	if err == nil && kind == "sub" {
		err = socket.SetSubscribe("")
	}
	return pebbeSocket{socket}, err
}

func (s pebbeSocket) Listen(url string) error { return s.Bind(url) }

func (s pebbeSocket) Dial(url string) error { return s.Connect(url) }

func (s pebbeSocket) Send(body []byte) error {
	_, err := s.SendBytes(body, 0)
	return err
}

func (s pebbeSocket) Recv() (int, error) {
	body, err := s.RecvBytes(0)
	return len(body), err
}

func (s pebbeSocket) Echo() error {
	body, err := s.RecvBytes(0)
	if err != nil {
		return err
	}
	return s.Send(body)
}

// tagged are the peers of this build only.
func tagged() map[string]worker.Peer {
	return map[string]worker.Peer{"pebbe": simpleLibrary(openPebbe).peer()}
}

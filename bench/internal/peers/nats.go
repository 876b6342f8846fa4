// SPDX-License-Identifier: MIT

package peers

import (
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/sprymq/spry/bench/internal/worker"
)

const (
	natsSubject = "bench"
	natsStart   = 10 * time.Second // for the broker to come up
	natsRoom    = 4096
	natsPayload = 8 << 20 // the broker's default of 1 MiB is just too small
)

// natsSocket drives NATS. What listens runs the broker too, so that its costs are counted on that side.
type natsSocket struct {
	kind   string
	broker *server.Server
	conn   *nats.Conn
	got    chan *nats.Msg
	reply  int // size of the last reply
}

func natsPeer() worker.Peer {
	return simpleLibrary(func(kind string) (simpleSocket, error) {
		return &natsSocket{kind: kind, got: make(chan *nats.Msg, natsRoom)}, nil
	}).peer()
}

func (s *natsSocket) Listen(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if u.Scheme != "tcp" {
		return worker.ErrNotApplicable
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return err
	}
	s.broker, err = server.NewServer(&server.Options{
		Host: u.Hostname(), Port: port, NoSigs: true, NoLog: true, MaxPayload: natsPayload,
	})
	if err != nil {
		return err
	}
	s.broker.Start()
	if !s.broker.ReadyForConnections(natsStart) {
		return nats.ErrTimeout
	}
	return s.Dial(address)
}

func (s *natsSocket) Dial(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if u.Scheme != "tcp" {
		return worker.ErrNotApplicable
	}
	if s.conn, err = nats.Connect("nats://" + u.Host); err != nil {
		return err
	}
	if s.kind != "pull" && s.kind != "sub" && s.kind != "rep" {
		return nil
	}
	sub, err := s.conn.Subscribe(natsSubject, func(m *nats.Msg) { s.got <- m })
	if err != nil {
		return err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return err
	}
	return s.conn.Flush()
}

func (s *natsSocket) Send(body []byte) error {
	if s.kind != "req" {
		if err := s.conn.Publish(natsSubject, body); err != nil || len(body) != worker.EndSize {
			return err
		}
		return s.conn.Flush()
	}
	m, err := s.conn.Request(natsSubject, body, natsStart)
	if err != nil {
		return err
	}
	s.reply = len(m.Data)
	return nil
}

func (s *natsSocket) Recv() (int, error) {
	if s.kind == "req" {
		return s.reply, nil
	}
	return len((<-s.got).Data), nil
}

func (s *natsSocket) Echo() error {
	m := <-s.got
	return m.Respond(m.Data)
}

func (s *natsSocket) Close() error {
	s.conn.Close()
	if s.broker != nil {
		s.broker.Shutdown()
	}
	return nil
}

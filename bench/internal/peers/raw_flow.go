// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/sprymq/spry/bench/internal/worker"
)

const (
	rawHeader     = 4        // length of a body
	rawBatchBytes = 64 << 10 // written at once
	rawReadBytes  = 256 << 10
	rawBacklog    = 16 << 10 // connections that wait to be taken
)

// rawPeer drives plain connections: what Go itself reaches. It writes batches of 64 KiB, or each message by itself.
func rawPeer(batched bool) worker.Peer {
	p := worker.Peer{
		Listen: rawListen,
		Dial:   func(s worker.Settings) (worker.Sender, error) { return rawDial(s, batched) },
		Publish: func(s worker.Settings) (worker.Publisher, error) {
			conns, err := rawListenConns(s.URL)
			return &rawPublisher{rawSender: newRawSender(s.Size, batched), conns: conns}, err
		},
		Subscribe: rawSubscribe,
		Serve:     rawServe, Ask: rawAsk, Idle: rawIdle,
		Callers: func(s worker.Settings) ([]worker.Asker, error) { return rawCallers(s, batched) },
	}
	if batched { // channels have no batches
		p.InprocFlow, p.InprocAsk = chanFlow, chanAsk
		p.Spread = newRawSpread
	}
	return p
}

func rawDial(s worker.Settings, batched bool) (worker.Sender, error) {
	if err := rawModesOnly(s); err != nil {
		return nil, err
	}
	conn, err := rawDialConn(s.URL)
	if err != nil {
		return nil, err
	}
	return newRawSender(s.Size, batched, conn), rawTune(conn, s)
}

// rawAddress splits tcp://HOST:PORT, tls+tcp://HOST:PORT and ipc://PATH.
func rawAddress(url string) (network, address string, err error) {
	scheme, address, _ := strings.Cut(url, "://")
	switch scheme {
	case "tcp", "tls+tcp":
		return "tcp", address, nil
	case "ipc":
		return "unix", address, nil
	default:
		return "", "", worker.ErrNotApplicable
	}
}

func rawDialConn(url string) (net.Conn, error) {
	network, address, err := rawAddress(url)
	if err != nil {
		return nil, err
	}
	if config := tlsClient(url); config != nil {
		return (&tls.Dialer{Config: config}).DialContext(context.Background(), network, address)
	}
	return new(net.Dialer).DialContext(context.Background(), network, address)
}

// rawConns are the connections that a listener accepts.
type rawConns struct {
	net.Listener
	accepted chan net.Conn
}

func rawListener(url string) (net.Listener, error) {
	network, address, err := rawAddress(url)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	config, err := tlsServer(url)
	if config != nil && err == nil {
		l = tls.NewListener(l, config)
	}
	return l, err
}

func rawListenConns(url string) (*rawConns, error) {
	l, err := rawListener(url)
	if err != nil {
		return nil, err
	}
	conns := &rawConns{l, make(chan net.Conn, rawBacklog)}
	go func() {
		defer close(conns.accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			conns.accepted <- conn
		}
	}()
	return conns, nil
}

// A rawSender writes the same to all of its connections.
type rawSender struct {
	to      []net.Conn
	message []byte // header and body
	pending []byte
	limit   int
}

func newRawSender(size int, batched bool, to ...net.Conn) *rawSender {
	message := binary.LittleEndian.AppendUint32(nil, uint32(size))
	s := &rawSender{to: to, message: append(message, worker.Body(size)...)}
	if batched {
		s.limit = rawBatchBytes
	}
	return s
}

func (s *rawSender) Send(n int) error {
	for range n {
		if len(s.pending)+len(s.message) > s.limit {
			if err := s.flush(); err != nil {
				return err
			}
		}
		if len(s.message) > s.limit {
			if err := s.write(s.message); err != nil {
				return err
			}
			continue
		}
		s.pending = append(s.pending, s.message...)
	}
	return nil
}

func (s *rawSender) flush() error {
	err := s.write(s.pending)
	s.pending = s.pending[:0]
	return err
}

func (s *rawSender) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	for _, conn := range s.to {
		if _, err := conn.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func (s *rawSender) End() error {
	s.pending = append(s.pending, 1, 0, 0, 0, 'x')
	return s.flush()
}

func (s *rawSender) Close() error {
	for _, conn := range s.to {
		_ = conn.Close()
	}
	return nil
}

type rawPublisher struct {
	*rawSender
	conns *rawConns
}

func (p *rawPublisher) Wait(subs int) error {
	for range subs {
		p.to = append(p.to, <-p.conns.accepted)
	}
	return nil
}

func (p *rawPublisher) Close() error {
	_ = p.rawSender.Close()
	return p.conns.Close()
}

// A rawReceiver splits its input into messages. Its connection is dialed, or the first accepted one.
type rawReceiver struct {
	conns *rawConns
	conn  net.Conn
	data  []byte
	start int
	end   int
}

func rawListen(s worker.Settings) (worker.Receiver, error) {
	if err := rawModesOnly(s); err != nil {
		return nil, err
	}
	conns, err := rawListenConns(s.URL)
	if s.Pipes > 1 {
		return newRawPipes(conns, s), err
	}
	return &rawReceiver{conns: conns, data: make([]byte, rawReadSize(s))}, err
}

func rawSubscribe(s worker.Settings) ([]worker.Receiver, error) {
	all := make([]worker.Receiver, s.Subs)
	for i := range all {
		conn, err := rawDialConn(s.URL)
		if err != nil {
			return nil, err
		}
		all[i] = &rawReceiver{conn: conn, data: make([]byte, rawBatchBytes)} // many share the cache
	}
	return all, nil
}

// next returns the next body.
func (r *rawReceiver) next() ([]byte, error) {
	for {
		have := r.end - r.start
		need := rawHeader
		if have >= rawHeader {
			need += int(binary.LittleEndian.Uint32(r.data[r.start:]))
			if have >= need {
				body := r.data[r.start+rawHeader : r.start+need]
				r.start += need
				return body, nil
			}
		}
		if err := r.fill(need); err != nil {
			return nil, err
		}
	}
}

// fill reads once, with room for a message of need bytes.
func (r *rawReceiver) fill(need int) error {
	if need > 64<<20 {
		return errors.New("a message of more than 64 MiB")
	}
	to := r.data
	if need > len(to) {
		to = make([]byte, need)
	}
	r.end = copy(to, r.data[r.start:r.end])
	r.data, r.start = to, 0
	n, err := r.conn.Read(r.data[r.end:])
	r.end += n
	if n > 0 {
		return nil
	}
	return err
}

func (r *rawReceiver) First() error {
	if r.conn == nil {
		conn, open := <-r.conns.accepted
		if !open {
			return net.ErrClosed
		}
		r.conn = conn
	}
	_, err := r.next()
	return err
}

func (r *rawReceiver) Until(end time.Time) (int, bool, error) {
	return worker.ReceiveUntil(end, func() (int, bool, error) {
		body, err := r.next()
		return 1, len(body) == worker.EndSize, err
	})
}

func (r *rawReceiver) Rest() (n int, err error) {
	for ; ; n++ {
		body, err := r.next()
		if err != nil {
			return n, err
		}
		if len(body) == worker.EndSize {
			return n, nil
		}
	}
}

func (r *rawReceiver) Close() error {
	if r.conn != nil {
		_ = r.conn.Close()
	}
	if r.conns != nil {
		return r.conns.Close()
	}
	return nil
}

// rawIdle has a goroutine wait for what each connection says. It greets with a byte, so that a client knows that it
// was accepted.
func rawIdle(s worker.Settings) (io.Closer, error) {
	conns, err := rawListenConns(s.URL)
	if err != nil {
		return nil, err
	}
	go func() {
		for conn := range conns.accepted {
			go func() {
				var one [1]byte
				_, _ = conn.Write(one[:])
				_, _ = conn.Read(one[:])
				_ = conn.Close()
			}()
		}
	}()
	return conns, nil
}

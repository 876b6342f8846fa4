// SPDX-License-Identifier: MIT

package peers

import (
	"errors"
	"net"
	"sync/atomic"

	"github.com/sprymq/spry/bench/internal/worker"
)

// rawPipes receives from many connections at once, with a goroutine each, as a program without a library would.
type rawPipes struct {
	conns *rawConns
	pipes int
	began atomic.Bool
	first chan struct{} // closed with the first message of all
	ended chan rawPipeEnd
}

// A rawPipeEnd is the result of one connection.
type rawPipeEnd struct {
	messages int
	err      error
}

func newRawPipes(conns *rawConns, pipes int) *rawPipes {
	return &rawPipes{conns: conns, pipes: pipes, first: make(chan struct{}), ended: make(chan rawPipeEnd, pipes)}
}

func (r *rawPipes) First() error {
	go func() {
		for range r.pipes {
			conn, open := <-r.conns.accepted
			if !open {
				r.end(rawPipeEnd{err: net.ErrClosed})
				continue
			}
			go func() { r.end(r.receive(conn)) }()
		}
	}()
	<-r.first
	return nil
}

// end counts a connection's end as a beginning, so that a failure does not leave First waiting.
func (r *rawPipes) end(e rawPipeEnd) {
	r.begin()
	r.ended <- e
}

func (r *rawPipes) begin() {
	if !r.began.Swap(true) {
		close(r.first)
	}
}

func (r *rawPipes) receive(conn net.Conn) (e rawPipeEnd) {
	from := &rawReceiver{conn: conn, data: make([]byte, rawBatchBytes)} // many share the cache
	defer conn.Close()
	body, err := from.next()
	if err != nil {
		return rawPipeEnd{err: err}
	}
	r.begin()
	if len(body) == worker.EndSize { // nothing was sent over this connection in the time
		return rawPipeEnd{}
	}
	n, err := from.Rest()
	return rawPipeEnd{n + 1, err}
}

// Rest leaves out the message that First has returned.
func (r *rawPipes) Rest() (n int, err error) {
	for range r.pipes {
		e := <-r.ended
		n += e.messages
		err = errors.Join(err, e.err)
	}
	return n - 1, err
}

func (r *rawPipes) Close() error { return r.conns.Close() }

// SPDX-License-Identifier: MIT

package peers

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/sprymq/spry/bench/internal/worker"
)

// rawLook is how many messages come between two looks at the clock.
const rawLook = 16

// rawPipes receives from many connections at once, with a goroutine each, as a program without a library would.
type rawPipes struct {
	conns *rawConns
	pipes int
	warm  time.Duration
	begun sync.Once
	first chan struct{} // closed with the first message of all
	from  time.Time     // the end of the warm-up; to be read when first is closed
	ended chan rawPipeEnd
}

// A rawPipeEnd is the result of one connection.
type rawPipeEnd struct {
	messages int
	err      error
}

func newRawPipes(conns *rawConns, s worker.Settings) *rawPipes {
	pipes, warm := s.Pipes, time.Duration(s.Warm*float64(time.Second))
	return &rawPipes{conns: conns, pipes: pipes, warm: warm, first: make(chan struct{}), ended: make(chan rawPipeEnd, pipes)}
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
	r.begun.Do(func() {
		r.from = time.Now().Add(r.warm)
		close(r.first)
	})
}

func (r *rawPipes) receive(conn net.Conn) (e rawPipeEnd) {
	from := &rawReceiver{conn: conn, data: make([]byte, rawBatchBytes)} // many share the cache
	defer conn.Close()
	body, err := from.next()
	if err != nil {
		return rawPipeEnd{err: err}
	}
	r.begin()
	for warming := true; e.err == nil && len(body) != worker.EndSize; {
		e.messages++
		if warming && e.messages%rawLook == 0 {
			if warming = time.Now().Before(r.from); warming {
				e.messages = 0
			}
		}
		body, e.err = from.next()
	}
	return e
}

// Until leaves the receiving to the connections, which count from the end of the warm-up on.
func (r *rawPipes) Until(end time.Time) (int, bool, error) {
	time.Sleep(time.Until(end))
	return 0, false, nil
}

// Rest counts the messages since the warm-up.
func (r *rawPipes) Rest() (n int, err error) {
	for range r.pipes {
		e := <-r.ended
		n += e.messages
		err = errors.Join(err, e.err)
	}
	return n, err
}

func (r *rawPipes) Close() error { return r.conns.Close() }

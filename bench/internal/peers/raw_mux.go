// SPDX-License-Identifier: MIT

package peers

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"

	"github.com/sprymq/spry/bench/internal/worker"
)

const rawID = 4 // bytes of a request's id, in front of its body

// A rawMux is a connection that many callers share. Ids lead replies to their callers.
type rawMux struct {
	conn    net.Conn
	replied []chan struct{} // by id; closed when there are no more replies

	mu      sync.Mutex
	pending []byte        // requests for the writer; unused without one
	wake    chan struct{} // signals the writer that there is a first pending request
}

// rawMuxCallers share a connection. Batched, one writer takes what all have asked meanwhile; else each caller writes
// its own request.
func rawMuxCallers(s worker.Settings, batched bool) ([]worker.Asker, error) {
	conn, err := rawDialConn(s.URL)
	if err != nil {
		return nil, err
	}
	mux := &rawMux{conn: conn, replied: make([]chan struct{}, s.Calls)}
	all := make([]worker.Asker, s.Calls)
	for i := range all {
		mux.replied[i] = make(chan struct{}, 1)
		message := binary.LittleEndian.AppendUint32(nil, uint32(rawID+s.Size))
		message = binary.LittleEndian.AppendUint32(message, uint32(i))
		all[i] = &rawMuxAsker{mux, append(message, worker.Body(s.Size)...), mux.replied[i]}
	}
	if batched {
		mux.wake = make(chan struct{}, 1)
		go mux.write()
	}
	go mux.read()
	return all, nil
}

// write ends with the connection; the reader reports the end to the callers.
func (m *rawMux) write() {
	var batch []byte
	for range m.wake {
		runtime.Gosched() // who else is about to ask comes along: the wake-up would run this before them
		m.mu.Lock()
		batch, m.pending = m.pending, batch[:0]
		m.mu.Unlock()
		if _, err := m.conn.Write(batch); err != nil {
			_ = m.conn.Close()
			return
		}
	}
}

func (m *rawMux) read() {
	defer func() {
		for _, c := range m.replied {
			close(c)
		}
	}()
	from := &rawReceiver{conn: m.conn, data: make([]byte, rawReadBytes)}
	for {
		body, err := from.next()
		if err != nil || len(body) < rawID {
			return
		}
		id := binary.LittleEndian.Uint32(body)
		if id >= uint32(len(m.replied)) {
			return
		}
		m.replied[id] <- struct{}{}
	}
}

// A rawMuxAsker asks over a connection that it shares.
type rawMuxAsker struct {
	mux     *rawMux
	message []byte
	replied chan struct{}
}

func (a *rawMuxAsker) Ask() error {
	if err := a.send(); err != nil {
		return err
	}
	if _, open := <-a.replied; !open {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (a *rawMuxAsker) send() error {
	m := a.mux
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wake == nil {
		_, err := m.conn.Write(a.message)
		return err
	}
	m.pending = append(m.pending, a.message...)
	if len(m.pending) == len(a.message) {
		m.wake <- struct{}{} // has room: the writer took the last one before it emptied pending
	}
	return nil
}

// Close closes what all share; the first of them ends it.
func (a *rawMuxAsker) Close() error {
	if err := a.mux.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

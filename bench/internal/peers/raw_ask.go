// SPDX-License-Identifier: MIT

package peers

import (
	"io"
	"net"

	"github.com/sprymq/spry/bench/internal/worker"
)

// rawServe echoes what every connection sends, one write for one read.
func rawServe(s worker.Settings) (io.Closer, error) {
	conns, err := rawListenConns(s.URL)
	if err != nil {
		return nil, err
	}
	go func() {
		for conn := range conns.accepted {
			go func() {
				defer conn.Close()
				data := make([]byte, rawBatchBytes)
				for {
					n, err := conn.Read(data)
					if err != nil {
						return
					}
					if _, err := conn.Write(data[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return conns, nil
}

// A rawAsker asks with one write and one read.
type rawAsker struct {
	conn    net.Conn
	message []byte
	reply   []byte
}

func rawAsk(s worker.Settings) (worker.Asker, error) {
	conn, err := rawDialConn(s.URL)
	size := rawHeader + s.Size
	return &rawAsker{conn, worker.Body(size), make([]byte, size)}, err
}

func (a *rawAsker) Ask() error {
	if _, err := a.conn.Write(a.message); err != nil {
		return err
	}
	_, err := io.ReadFull(a.conn, a.reply)
	return err
}

func (a *rawAsker) Close() error { return a.conn.Close() }

// rawCallers have a connection each, or share one, which takes requests in batches or each by itself.
func rawCallers(s worker.Settings, batched bool) ([]worker.Asker, error) {
	if s.Shape != "conns" {
		return rawMuxCallers(s, batched)
	}
	all := make([]worker.Asker, s.Calls)
	for i := range all {
		a, err := rawAsk(s)
		if err != nil {
			return nil, err
		}
		all[i] = a
	}
	return all, nil
}

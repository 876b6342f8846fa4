// SPDX-License-Identifier: MIT

package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/sprymq/spry/bench/internal/worker"
)

// dialers is how many connections are opened at a time.
const dialers = 64

// handshakes are the handshakes of a raw client, as a PUSH, per peer; peers without one have none.
var handshakes = map[string]func(net.Conn) error{
	"spry": greetSP, "libnng": greetSP, "nanomsg": greetSP, "mangos": greetSP,
	"goraw":  greetRaw,
	"libzmq": greetZMTP, "gozmq": greetZMTP, "pebbe": greetZMTP, "nats": greetNATS,
}

func measureIdle(ctx context.Context, command []string, url, peer string, conns int) (sample, error) {
	server, err := start(ctx, command)
	if err != nil {
		return nil, err
	}
	if err := server.ready(); err != nil {
		return nil, err
	}
	before, err := count(server)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	opened, err := open(ctx, strings.TrimPrefix(url, "tcp://"), handshakes[peer], conns)
	accept := time.Since(began)
	defer func() {
		for _, conn := range opened {
			_ = conn.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	after, err := count(server)
	if err != nil {
		return nil, err
	}
	s := sample{
		"kib":     float64(after.RSSKiB-before.RSSKiB) / float64(conns),
		"accept":  accept.Seconds(),
		"threads": float64(after.Threads),
	}
	if after.Goroutines > 0 {
		s["goroutines"] = float64(after.Goroutines-before.Goroutines) / float64(conns)
	}
	_, err = server.stop()
	return s, err
}

func count(server *process) (h worker.Held, err error) {
	line, err := server.ask("count")
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal([]byte(line), &h)
}

// open opens connections and has each greet.
func open(ctx context.Context, address string, greet func(net.Conn) error, conns int) ([]net.Conn, error) {
	var (
		mu     sync.Mutex
		opened []net.Conn
		failed error
		all    sync.WaitGroup
		dialer net.Dialer
	)
	for range dialers {
		all.Go(func() {
			for {
				mu.Lock()
				enough := len(opened) >= conns || failed != nil
				if enough {
					mu.Unlock()
					return
				}
				i := len(opened)
				opened = append(opened, nil)
				mu.Unlock()
				conn, err := dialer.DialContext(ctx, "tcp", address)
				if err == nil && greet != nil {
					err = greet(conn)
				}
				mu.Lock()
				opened[i] = conn
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	live := opened[:0]
	for _, conn := range opened {
		if conn != nil {
			live = append(live, conn)
		}
	}
	return live, failed
}

// greetRaw waits for the byte by which the server accepts.
func greetRaw(conn net.Conn) error {
	var one [1]byte
	_, err := io.ReadFull(conn, one[:])
	return err
}

// greetSP exchanges the eight bytes of the Scalability Protocols.
func greetSP(conn net.Conn) error {
	const push = 5 << 4
	if _, err := conn.Write([]byte{0, 'S', 'P', 0, 0, push, 0, 0}); err != nil {
		return err
	}
	var theirs [8]byte
	_, err := io.ReadFull(conn, theirs[:])
	return err
}

// greetZMTP exchanges ZMTP 3.0's greeting and READY with the NULL mechanism.
func greetZMTP(conn net.Conn) error {
	greeting := make([]byte, 64)
	greeting[0], greeting[9], greeting[10] = 0xff, 0x7f, 3
	copy(greeting[12:], "NULL")
	if _, err := conn.Write(greeting); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, greeting); err != nil {
		return err
	}
	ready := append([]byte("\x05READY\x0bSocket-Type"), 0, 0, 0, 4)
	ready = append(ready, "PUSH"...)
	if _, err := conn.Write(append([]byte{4, byte(len(ready))}, ready...)); err != nil {
		return err
	}
	var head [2]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return err
	}
	if head[0] != 4 {
		return fmt.Errorf("a frame of kind %d instead of READY", head[0])
	}
	_, err := io.ReadFull(conn, make([]byte, head[1]))
	return err
}

// greetNATS connects and waits for the answer to a ping.
func greetNATS(conn net.Conn) error {
	if _, err := io.WriteString(conn, "CONNECT {\"verbose\":false}\r\nPING\r\n"); err != nil {
		return err
	}
	var said []byte
	buffer := make([]byte, 4<<10)
	for !bytes.Contains(said, []byte("PONG\r\n")) {
		n, err := conn.Read(buffer)
		if err != nil {
			return err
		}
		said = append(said, buffer[:n]...)
	}
	return nil
}

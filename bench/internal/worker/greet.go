// SPDX-License-Identifier: MIT

package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// dialers is how many connections are opened at a time.
const dialers = 64

// greetings are the handshakes of a raw client, as a PUSH, by mode.
var greetings = map[string]func(net.Conn) error{
	"plain": nil, "raw": greetRaw, "sp": greetPush, "sp-pull": greetPull, "zmtp": greetZMTP, "nats": greetNATS,
}

// idleDial opens connections to a server of any library and keeps them until its input ends. It is ready when all are greeted.
func idleDial(p process, peer Peer, s Settings) (Result, error) {
	greet, known := greetings[s.Mode]
	if !known || peer.Listen == nil {
		return Result{}, ErrNotApplicable
	}
	began := time.Now()
	opened, err := openAll(context.Background(), strings.TrimPrefix(s.URL, "tcp://"), greet, s.Pipes)
	took := time.Since(began)
	defer func() {
		for _, conn := range opened {
			_ = conn.Close()
		}
	}()
	if err != nil {
		return Result{}, err
	}
	if err := p.ready(); err != nil {
		return Result{}, err
	}
	return Result{Seconds: took.Seconds()}, p.untilInputEnds(nil)
}

// openAll opens connections and has each greet.
func openAll(ctx context.Context, address string, greet func(net.Conn) error, conns int) ([]net.Conn, error) {
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

func greetPush(conn net.Conn) error { return greetSP(conn, 5<<4) }

func greetPull(conn net.Conn) error { return greetSP(conn, 5<<4|1) }

// greetSP exchanges the eight bytes of the Scalability Protocols.
func greetSP(conn net.Conn, protocol byte) error {
	if _, err := conn.Write([]byte{0, 'S', 'P', 0, 0, protocol, 0, 0}); err != nil {
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

// SPDX-License-Identifier: MIT

package tour

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// A mate is one peer as the tour sees it: a child process, or a goroutine for inproc.
type mate struct {
	orders  *json.Encoder
	answers *json.Decoder
	hangUp  func() error // ends it and waits
}

// startProcess starts a child process: this program again, with a hidden verb.
func startProcess(ctx context.Context, command []string, stderr io.Writer) (*mate, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = stderr
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a peer: %w", err)
	}
	return &mate{
		orders: json.NewEncoder(in), answers: json.NewDecoder(out),
		hangUp: func() error { return errors.Join(in.Close(), cmd.Wait()) },
	}, nil
}

// startGoroutine starts a peer within this process.
func startGoroutine(ctx context.Context) *mate {
	orderReader, orderWriter := io.Pipe()
	answerReader, answerWriter := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := Peer(ctx, orderReader, answerWriter)
		orderReader.CloseWithError(io.ErrClosedPipe)
		answerWriter.CloseWithError(err)
		done <- err
	}()
	return &mate{
		orders: json.NewEncoder(orderWriter), answers: json.NewDecoder(answerReader),
		hangUp: func() error {
			answerReader.Close()
			return errors.Join(orderWriter.Close(), <-done)
		},
	}
}

// run gives a job; ready waits until the peer has connected.
func (m *mate) run(j job) error { return m.orders.Encode(order{Run: &j}) }

func (m *mate) ready() error {
	a, err := m.next()
	if err == nil && !a.Ready {
		err = errors.New("a peer answered out of turn")
	}
	return err
}

// stop informs the peer that everything was sent, and returns its counters.
func (m *mate) stop() (*report, error) {
	if err := m.orders.Encode(order{Stop: true}); err != nil {
		return nil, err
	}
	a, err := m.next()
	if err == nil && a.Report == nil {
		err = errors.New("a peer answered out of turn")
	}
	return a.Report, err
}

func (m *mate) next() (answer, error) {
	var a answer
	if err := m.answers.Decode(&a); err != nil {
		return a, fmt.Errorf("a peer ended: %w", err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("a peer failed: %s", a.Error)
	}
	return a, nil
}

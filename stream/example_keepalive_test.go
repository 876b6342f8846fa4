// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/sprymq/spry/stream"
)

// A keepalive sends an empty message at every interval, and fails if nothing arrives for a longer time, its patience. The
// messages of the application have a byte before them.
type keepalive struct {
	*stream.Messages
	patience time.Duration
	send     sync.Mutex // one Send at a time
	stop     context.CancelFunc
}

func newKeepalive(below *stream.Messages, interval, patience time.Duration) *keepalive {
	ctx, stop := context.WithCancel(context.Background())
	k := &keepalive{Messages: below, patience: patience, stop: stop}
	go func() {
		for ticker := time.NewTicker(interval); ; {
			select {
			case <-ticker.C:
				k.send.Lock()
				err := k.Messages.Send(ctx, nil)
				k.send.Unlock()
				if err != nil { // a failure is also reported to Receive
					return
				}
			case <-ctx.Done():
				ticker.Stop()
				return
			}
		}
	}()
	return k
}

func (k *keepalive) Send(ctx context.Context, messages ...[]byte) error {
	k.send.Lock()
	defer k.send.Unlock()
	for _, m := range messages {
		if err := k.Messages.Send(ctx, append([]byte{1}, m...)); err != nil {
			return err
		}
	}
	return nil
}

var errSilent = errors.New("the peer is silent")

func (k *keepalive) Receive(ctx context.Context) ([]byte, error) {
	for {
		patience, cancel := context.WithTimeoutCause(ctx, k.patience, errSilent)
		m, err := k.Messages.Receive(patience)
		if err != nil && errors.Is(context.Cause(patience), errSilent) {
			err = errSilent
		}
		cancel()
		if err != nil {
			return nil, err
		}
		if len(m) > 0 {
			return m[1:], nil
		}
	}
}

// Flush stops the goroutine: Detach calls it.
func (k *keepalive) Flush(context.Context) error {
	k.stop()
	k.send.Lock() // a keep-alive that is being sent is sent whole
	defer k.send.Unlock()
	return nil
}

func (k *keepalive) CloseSend(ctx context.Context) error {
	if err := k.Flush(ctx); err != nil {
		return err
	}
	return k.Messages.CloseSend(ctx)
}

func (k *keepalive) Close() error {
	k.stop()
	return k.Messages.Close()
}

// A layer of messages over messages of one's own: it notices that the peer is gone.
func ExampleFilter_keepalive() {
	ctx := context.Background()
	attach := func(s *stream.Bytes) *stream.Messages {
		m, err := stream.Prefix(s, 2, 1000)
		if err != nil {
			log.Fatal(err)
		}
		m, err = stream.Filter(m, func(below *stream.Messages) stream.MessageConn {
			return newKeepalive(below, 20*time.Millisecond, time.Second)
		})
		if err != nil {
			log.Fatal(err)
		}
		return m
	}
	x, y := stream.Pipe()
	a, b := attach(x), attach(y)
	time.AfterFunc(1500*time.Millisecond, func() { _ = b.Send(ctx, []byte("after a long silence")) })
	m, err := a.Receive(ctx)
	fmt.Printf("%q %v\n", m, err)

	if _, err := b.DetachFilter(ctx); err != nil { // without keep-alives, this end is silent
		log.Fatal(err)
	}
	_, err = a.Receive(ctx)
	fmt.Println(err)
	// Output:
	// "after a long silence" <nil>
	// the peer is silent
}

// SPDX-License-Identifier: MIT

package ipc

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/sprymq/spry/transport"
)

type dialer struct {
	url         transport.URL
	name        string
	dialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

func (d *dialer) Dial(ctx context.Context) (transport.Link, error) {
	conn, err := d.dial(ctx)
	if err != nil {
		return nil, wrap(d.url, err)
	}
	return NewLink(conn), nil
}

func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	if d.dialContext != nil {
		return d.dialContext(ctx, "unix", d.name)
	}
	const shortest, longest = time.Millisecond, 50 * time.Millisecond
	for pause := shortest; ; pause = min(2*pause, longest) {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", d.name)
		// Where TCP would let the connection wait, Linux says EAGAIN while the listener's backlog is full.
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, errors.Join(err, errors.New("the listener's backlog stayed full"))
		}
	}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

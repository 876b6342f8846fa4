// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/sprymq/spry/internal/lock"
)

// A Rate limits how fast a layer lets bytes or messages pass.
type Rate struct {
	PerSecond float64 // bytes or messages in a second; 0 means no limit
	Burst     int     // the most that pass at once after a pause; 0 means those of 10 ms, and at least one
}

func (r Rate) burst() float64 {
	if r.Burst > 0 {
		return float64(r.Burst)
	}
	return max(1, r.PerSecond/100)
}

// A bucket counts what a rate lets through.
type bucket struct {
	mu     lock.Mutex[lock.StreamRate]
	rate   Rate
	tokens float64 // negative while a debt is being paid
	at     time.Time
}

// take takes up to n, at least one, and returns how many, and how long to wait before they pass.
func (b *bucket) take(n int) (some int, wait time.Duration) {
	if b.rate.PerSecond <= 0 {
		return n, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now, burst := time.Now(), b.rate.burst()
	if b.at.IsZero() {
		b.tokens = burst
	} else {
		b.tokens = min(burst, b.tokens+now.Sub(b.at).Seconds()*b.rate.PerSecond)
	}
	b.at = now
	some = min(n, int(burst))
	b.tokens -= float64(some)
	if b.tokens < 0 {
		wait = time.Duration(-b.tokens / b.rate.PerSecond * float64(time.Second))
	}
	return some, wait
}

// refund gives back what was taken and did not pass.
func (b *bucket) refund(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens += float64(n)
}

// Throttle attaches a layer that limits the rates of a stream, in bytes per second. It changes no byte.
func Throttle(below *Bytes, read, write Rate) (*Bytes, error) {
	return Wrap(below, func(below net.Conn) (Layer, error) {
		return &throttle{Conn: below, read: bucket{rate: read}, write: bucket{rate: write}, closed: make(chan struct{})}, nil
	})
}

type throttle struct {
	net.Conn
	read, write     bucket
	readBy, writeBy deadline
	close           sync.Once
	closed          chan struct{}
}

func (t *throttle) Transparent() {}

// NetConn returns the connection below.
func (t *throttle) NetConn() net.Conn { return t.Conn }

func (t *throttle) End(context.Context) ([]byte, error) { return nil, nil }

func (t *throttle) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, wait := t.read.take(len(p))
	if err := t.readBy.sleep(wait, t.closed); err != nil {
		t.read.refund(n)
		return 0, err
	}
	k, err := t.Conn.Read(p[:n])
	t.read.refund(n - k)
	return k, err
}

func (t *throttle) Write(p []byte) (done int, err error) {
	for done < len(p) {
		n, wait := t.write.take(len(p) - done)
		if err := t.writeBy.sleep(wait, t.closed); err != nil {
			t.write.refund(n)
			return done, err
		}
		k, err := t.Conn.Write(p[done : done+n])
		if done += k; err != nil {
			return done, err
		}
	}
	return done, nil
}

func (t *throttle) SetDeadline(at time.Time) error {
	return errors.Join(t.SetReadDeadline(at), t.SetWriteDeadline(at))
}

func (t *throttle) SetReadDeadline(at time.Time) error {
	t.readBy.set(at)
	return t.Conn.SetReadDeadline(at)
}

func (t *throttle) SetWriteDeadline(at time.Time) error {
	t.writeBy.set(at)
	return t.Conn.SetWriteDeadline(at)
}

func (t *throttle) CloseWrite() error { return closeWrite(t.Conn) }

func (t *throttle) Close() error {
	t.close.Do(func() { close(t.closed) })
	return t.Conn.Close()
}

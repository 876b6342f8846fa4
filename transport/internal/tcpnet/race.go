// SPDX-License-Identifier: MIT

package tcpnet

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/sprymq/spry/internal/scope"
)

// attemptDelay is the time after which an attempt gets a competitor. RFC 8305 recommends it.
const attemptDelay = 250 * time.Millisecond

// race connects to one of the targets. Attempts begin in their order: the next one when an attempt has failed, or attemptDelay
// after the last one has begun. The first connection wins, and the other attempts end before race returns.
//
// [net.Dialer] races the two families of a name, but tries the addresses of a family one after the other: one that answers
// nothing delays the next by seconds.
func race[T any](ctx context.Context, targets []T, connect func(ctx context.Context, target T) (net.Conn, error)) (net.Conn, error) {
	if len(targets) == 1 {
		return connect(ctx, targets[0])
	}
	type result struct {
		conn net.Conn
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	attempts := scope.New()
	results := make(chan result, len(targets))
	defer func() {
		cancel()
		attempts.Close(nil)
		for len(results) > 0 {
			if late := <-results; late.err == nil {
				_ = late.conn.Close()
			}
		}
	}()
	timer := time.NewTimer(attemptDelay)
	defer timer.Stop()
	var failed attemptErrors
	for begun, next := 0, true; ; {
		if next = next && begun < len(targets) && ctx.Err() == nil; next {
			target := targets[begun]
			begun++
			_ = attempts.Go(func() {
				conn, err := connect(ctx, target)
				results <- result{conn, err}
			})
			timer.Reset(attemptDelay)
		}
		if begun == len(failed) {
			if len(failed) == 0 {
				return nil, ctx.Err()
			}
			return nil, failed.joined()
		}
		select {
		case r := <-results:
			if r.err == nil {
				return r.conn, nil
			}
			failed = append(failed, r.err)
			next = true
		case <-timer.C:
			next = true
		}
	}
}

// attemptErrors are the errors of all attempts, on one line.
type attemptErrors []error

// joined is the only error, or all of them.
func (e attemptErrors) joined() error {
	if len(e) == 1 {
		return e[0]
	}
	return e
}

func (e attemptErrors) Error() string {
	const shown = 4
	var b strings.Builder
	for i, err := range e[:min(len(e), shown)] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(err.Error())
	}
	if len(e) > shown {
		b.WriteString("; and others")
	}
	return b.String()
}

func (e attemptErrors) Unwrap() []error { return e }

// Timeout reports whether every attempt timed out.
func (e attemptErrors) Timeout() bool {
	for _, err := range e {
		if t, ok := errors.AsType[net.Error](err); !ok || !t.Timeout() {
			return false
		}
	}
	return true
}

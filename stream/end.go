// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// MaxDrain is how many bytes a Detach receives and drops at most, until it meets the peer's end.
const MaxDrain = 16 << 20

var errEnded = errors.New("the outgoing direction has ended")

func isEnd(err error) bool { return errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) }

// endAndDrain ends both directions of a stream of messages in an orderly way.
func endAndDrain(ctx context.Context, c MessageConn) error {
	if err := c.CloseSend(ctx); err != nil {
		return err
	}
	return drain(func() (int, error) {
		m, err := c.Receive(ctx)
		return len(m), err
	})
}

// drain calls read until the peer's orderly end, and fails if more than MaxDrain bytes come first.
func drain(read func() (int, error)) error {
	for dropped := 0; ; {
		n, err := read()
		switch {
		case isEnd(err):
			return nil
		case err != nil:
			return err
		}
		if dropped += n; dropped > MaxDrain {
			return fmt.Errorf("%w: the peer sent more than %d bytes before its end", ErrTooLarge, MaxDrain)
		}
	}
}

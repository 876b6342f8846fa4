// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Prefix attaches a protocol in which every message follows its size, a big-endian number of 1 to 8 bytes. The size with all
// bits set is its end. limit is the size of the largest message that is received. A message whose size does not fit fails
// Send with [ErrTooLarge].
func Prefix(below *Bytes, size, limit int) (*Messages, error) {
	if size < 1 || size > 8 {
		return nil, fmt.Errorf("a prefix of %d bytes: it has 1 to 8", size)
	}
	return Frame(below, prefix{size}, limit)
}

type prefix struct{ size int }

func (p prefix) end() uint64 { return ^uint64(0) >> (64 - 8*p.size) }

func (p prefix) Read(ctx context.Context, below *Bytes, limit int) ([]byte, error) {
	head, err := below.Peek(ctx, p.size)
	if err != nil {
		return nil, noEnd(err)
	}
	var whole [8]byte
	copy(whole[8-p.size:], head)
	switch n := binary.BigEndian.Uint64(whole[:]); {
	case n == p.end():
		if err := below.Discard(ctx, p.size); err != nil {
			return nil, err
		}
		return nil, io.EOF
	case n > uint64(max(limit, 0)):
		return nil, tooLarge(n, limit)
	default:
		if err := below.Discard(ctx, p.size); err != nil {
			return nil, err
		}
		return readBody(ctx, below, int(n))
	}
}

// firstRead is the memory for a body before any of it has arrived.
const firstRead = 64 << 10

// readBody reads n bytes. The memory grows with what has arrived, whatever size the peer has announced.
func readBody(ctx context.Context, below *Bytes, n int) ([]byte, error) {
	body := make([]byte, min(n, firstRead))
	for have := 0; ; {
		if err := below.ReadFull(ctx, body[have:]); err != nil {
			return nil, noEnd(err)
		}
		if have = len(body); have == n {
			return body, nil
		}
		grown := make([]byte, min(n, 2*have))
		copy(grown, body)
		body = grown
	}
}

// noEnd makes an error of the end of the stream below, where the protocol has no end.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (p prefix) Append(buffers [][]byte, message []byte) ([][]byte, error) {
	n := uint64(len(message))
	if n >= p.end() {
		return nil, tooLarge(n, int(p.end()-1))
	}
	var whole [8]byte
	binary.BigEndian.PutUint64(whole[:], n)
	return append(buffers, whole[8-p.size:], message), nil
}

func (p prefix) End() []byte {
	var whole [8]byte
	binary.BigEndian.PutUint64(whole[:], p.end())
	return whole[8-p.size:]
}

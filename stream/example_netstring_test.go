// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strconv"

	"github.com/sprymq/spry/stream"
)

// netstrings are messages like 5:hello, with a size before them and a comma behind. A full stop ends the protocol.
type netstrings struct{}

func (netstrings) Read(ctx context.Context, below *stream.Bytes, limit int) ([]byte, error) {
	if first, err := below.Peek(ctx, 1); err != nil {
		return nil, err
	} else if first[0] == '.' {
		if err := below.Discard(ctx, 1); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	size, err := below.ReadUntil(ctx, []byte(":"), 10)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(string(size), 10, 31)
	if err != nil || int(n) > limit {
		return nil, fmt.Errorf("a netstring of %.10q bytes: %w", size, stream.ErrTooLarge)
	}
	message := make([]byte, n+1)
	if err := below.ReadFull(ctx, message); err != nil {
		return nil, err
	}
	if message[n] != ',' {
		return nil, fmt.Errorf("a netstring ends with %q", message[n])
	}
	return message[:n], nil
}

func (netstrings) Append(buffers [][]byte, message []byte) ([][]byte, error) {
	return append(buffers, fmt.Appendf(nil, "%d:", len(message)), message, []byte(",")), nil
}

func (netstrings) End() []byte { return []byte(".") }

// A protocol of one's own is a Framer: here, netstrings.
func ExampleFrame() {
	ctx := context.Background()
	a, b := stream.Pipe()
	if err := a.Write(ctx, []byte("5:hello,0:,.the next protocol")); err != nil {
		log.Fatal(err)
	}
	m, err := stream.Frame(b, netstrings{}, 1000)
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		message, err := m.Receive(ctx)
		fmt.Printf("%q %v\n", message, err)
	}
	below, err := m.Detach(ctx)
	if err != nil {
		log.Fatal(err)
	}
	rest := make([]byte, 17)
	err = below.ReadFull(ctx, rest)
	fmt.Printf("%q %v\n", rest, err)
	// Output:
	// "hello" <nil>
	// "" <nil>
	// "" EOF
	// "the next protocol" <nil>
}

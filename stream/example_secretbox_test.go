// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/sprymq/spry/stream"
)

// A sealed stream encrypts each message with a shared key, which must be used for one connection alone. Nonces are the
// direction and a counter, so a message that was changed, dropped, repeated or moved is noticed.
type sealed struct {
	*stream.Messages
	key            *[32]byte
	sent, received [24]byte // nonces
}

func newSealed(below *stream.Messages, key *[32]byte, client bool) *sealed {
	s := &sealed{Messages: below, key: key}
	if client {
		s.sent[0] = 1
	} else {
		s.received[0] = 1
	}
	return s
}

// next returns a nonce and advances it.
func next(nonce *[24]byte) *[24]byte {
	now := *nonce
	binary.BigEndian.PutUint64(nonce[16:], binary.BigEndian.Uint64(nonce[16:])+1)
	return &now
}

func (s *sealed) Send(ctx context.Context, messages ...[]byte) error {
	boxes := make([][]byte, len(messages))
	for i, m := range messages {
		boxes[i] = secretbox.Seal(nil, m, next(&s.sent), s.key)
	}
	return s.Messages.Send(ctx, boxes...)
}

var errForged = errors.New("a message was forged, changed or lost")

func (s *sealed) Receive(ctx context.Context) ([]byte, error) {
	box, err := s.Messages.Receive(ctx)
	if err != nil {
		return nil, err
	}
	m, ok := secretbox.Open(nil, box, next(&s.received), s.key)
	if !ok {
		return nil, errForged
	}
	return m, nil
}

// A layer of messages over messages of one's own: it encrypts them.
func ExampleFilter_secretbox() {
	ctx := context.Background()
	attach := func(s *stream.Bytes, key [32]byte, client bool) *stream.Messages {
		m, err := stream.Prefix(s, 2, 1000)
		if err != nil {
			log.Fatal(err)
		}
		m, err = stream.Filter(m, func(below *stream.Messages) stream.MessageConn { return newSealed(below, &key, client) })
		if err != nil {
			log.Fatal(err)
		}
		return m
	}
	key := [32]byte{1, 2, 3} // from crypto/rand in a program
	x, y := stream.Pipe()
	a, b := attach(x, key, true), attach(y, key, false)
	if err := a.Send(ctx, []byte("secret"), []byte("words")); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		m, err := b.Receive(ctx)
		fmt.Printf("%s %v\n", m, err)
	}

	x, y = stream.Pipe()
	eve := attach(x, [32]byte{}, true)
	if err := eve.Send(ctx, []byte("believe me")); err != nil {
		log.Fatal(err)
	}
	_, err := attach(y, key, false).Receive(ctx)
	fmt.Println(err)
	// Output:
	// secret <nil>
	// words <nil>
	// a message was forged, changed or lost
}

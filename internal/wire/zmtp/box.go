// SPDX-License-Identifier: MIT

package zmtp

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/curve25519"
	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // CURVE is made of it, and the protocol has no other cipher
)

// A Key is a CURVE key, public or secret.
type Key [keyLen]byte

const (
	keyLen     = 32
	nonceLen   = 24
	shortNonce = 8  // a counter
	longNonce  = 16 // random
	boxTag     = secretbox.Overhead
)

// Format prints no key: it may be a secret one, and errors and logs are read by others.
func (Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "(key)") }

// MarshalText hides the key too, for logs that are written as JSON.
func (Key) MarshalText() ([]byte, error) { return []byte("(key)"), nil }

// Public returns the public key of a secret one.
func (k Key) Public() (public Key, err error) {
	p, err := curve25519.X25519(k[:], curve25519.Basepoint)
	if err != nil {
		return Key{}, fmt.Errorf("curve: %w", err)
	}
	return Key(p), nil
}

// share makes the key of all boxes between two ends. Public keys that would make it one that anybody knows
// are refused.
func share(public, secret Key) (shared Key, err error) {
	s, err := curve25519.X25519(secret[:], public[:])
	if err != nil {
		return Key{}, fmt.Errorf("curve: %w", err)
	}
	var zero [16]byte
	salsa.HSalsa20((*[32]byte)(&shared), &zero, (*[32]byte)(s), &salsa.Sigma)
	return shared, nil
}

// newKeys makes the keys of one connection.
func newKeys(random io.Reader) (public, secret Key, err error) {
	if err = fill(random, secret[:]); err == nil {
		public, err = secret.Public()
	}
	return public, secret, err
}

// fill reads random bytes.
func fill(random io.Reader, p []byte) error {
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, p); err != nil {
		return fmt.Errorf("curve: no random bytes: %w", err)
	}
	return nil
}

// shortNonceOf makes a nonce of a prefix of 16 bytes and a counter.
func shortNonceOf(prefix string, n uint64) (nonce [nonceLen]byte) {
	copy(nonce[:], prefix)
	binary.BigEndian.PutUint64(nonce[nonceLen-shortNonce:], n)
	return nonce
}

// longNonceOf makes a nonce of a prefix of 8 bytes and random ones.
func longNonceOf(prefix string, tail []byte) (nonce [nonceLen]byte) {
	copy(nonce[:], prefix)
	copy(nonce[nonceLen-longNonce:], tail)
	return nonce
}

func sealBox(dst, plain []byte, nonce [nonceLen]byte, key Key) []byte {
	return secretbox.Seal(dst, plain, &nonce, (*[keyLen]byte)(&key))
}

func openBox(box []byte, nonce [nonceLen]byte, key Key) ([]byte, bool) {
	return secretbox.Open(nil, box, &nonce, (*[keyLen]byte)(&key))
}

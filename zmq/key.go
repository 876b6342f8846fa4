// SPDX-License-Identifier: MIT

package zmq

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/sprymq/spry/internal/wire/zmtp"
)

const (
	keyBytes = 32
	keyChars = keyBytes / z85Bytes * z85Chars
)

// A PublicKey is the half of a CURVE key pair that others know its owner by. It is shown in Z85, as ZeroMQ does: 40
// characters.
type PublicKey [keyBytes]byte

// A SecretKey is the half of a CURVE key pair that its owner keeps. It does not show itself: not when it is printed, logged
// or marshalled, also as a part of something else. Who must write it down calls [SecretKey.Z85].
type SecretKey [keyBytes]byte

// secretShown replaces every secret key in output.
const secretShown = "(secret key)"

// GenerateKeys makes a new key pair.
func GenerateKeys() (PublicKey, SecretKey, error) {
	var secret SecretKey
	if _, err := rand.Read(secret[:]); err != nil {
		return PublicKey{}, SecretKey{}, fmt.Errorf("curve: no random bytes: %w", err)
	}
	public, err := secret.Public()
	if err != nil {
		return PublicKey{}, SecretKey{}, err
	}
	return public, secret, nil
}

// ParsePublicKey reads a public key in Z85.
func ParsePublicKey(s string) (PublicKey, error) {
	key, err := parseKey(s)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	return key, nil
}

// ParseSecretKey reads a secret key in Z85. Its errors show nothing of s.
func ParseSecretKey(s string) (SecretKey, error) {
	key, err := parseKey(s)
	if err != nil {
		return SecretKey{}, fmt.Errorf("secret key: %w", err)
	}
	return key, nil
}

var errZeroKey = errors.New("it is all zeros, which programs write where there is no key: generate one")

func parseKey(s string) ([keyBytes]byte, error) {
	if len(s) != keyChars {
		return [keyBytes]byte{}, fmt.Errorf("%d characters, and a key has %d in Z85: check that nothing is missing", len(s), keyChars)
	}
	data, err := DecodeZ85(s)
	if err != nil {
		return [keyBytes]byte{}, err
	}
	key := [keyBytes]byte(data)
	if key == [keyBytes]byte{} {
		return key, errZeroKey
	}
	return key, nil
}

// String is the key in Z85.
func (k PublicKey) String() string { return string(textOf(k[:])) }

// MarshalText is the key in Z85.
func (k PublicKey) MarshalText() ([]byte, error) { return textOf(k[:]), nil }

// UnmarshalText reads a key in Z85.
func (k *PublicKey) UnmarshalText(text []byte) (err error) {
	*k, err = ParsePublicKey(string(text))
	return err
}

// Public returns the other half of the pair.
func (k SecretKey) Public() (PublicKey, error) {
	public, err := zmtp.Key(k).Public()
	return PublicKey(public), err
}

// Z85 is the key itself, as text. Write it only to files that no other user can read.
func (k SecretKey) Z85() string { return string(textOf(k[:])) }

// Format shows nothing of the key, whatever the verb.
func (SecretKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, secretShown) }

// MarshalText shows nothing of the key.
func (SecretKey) MarshalText() ([]byte, error) { return []byte(secretShown), nil }

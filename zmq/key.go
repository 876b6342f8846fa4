// SPDX-License-Identifier: MIT

package zmq

import (
	"crypto/fips140"
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

// A PublicKey is the public half of a CURVE key pair: 32 bytes, by which others know its owner. As text it has ZeroMQ's form:
// 40 characters of Z85.
type PublicKey [keyBytes]byte

// A SecretKey is the half of a CURVE key pair that its owner keeps. Printed, logged or marshalled, it shows a placeholder, also
// inside another value. [SecretKey.Z85] returns the key itself.
type SecretKey [keyBytes]byte

// secretShown replaces every secret key in output.
const secretShown = "(secret key)"

// ErrFIPS is returned where CURVE is needed in a process that allows only algorithms approved by FIPS 140, as
// GODEBUG=fips140=only does: CURVE uses X25519, XSalsa20 and Poly1305, which are not. Options.Security with CURVE is then
// invalid, so that errors.Is also reports [spry.ErrConfig] for the errors of Dial and Listen.
var ErrFIPS = errors.New("FIPS 140 does not approve CURVE, and this process allows approved algorithms only: use tls+tcp")

// GenerateKeys returns a new key pair, made of random bytes of the operating system. It may fail with [ErrFIPS].
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

// ParsePublicKey reads a public key in Z85: exactly 40 characters, not all of them zeros.
func ParsePublicKey(s string) (PublicKey, error) {
	key, err := parseKey(s)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	return key, nil
}

// ParseSecretKey reads a secret key in Z85, as [ParsePublicKey] does. Its errors show nothing of s.
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

// String returns the key in Z85.
func (k PublicKey) String() string { return string(textOf(k[:])) }

// MarshalText returns the key in Z85.
func (k PublicKey) MarshalText() ([]byte, error) { return textOf(k[:]), nil }

// UnmarshalText reads a key in Z85, as [ParsePublicKey] does.
func (k *PublicKey) UnmarshalText(text []byte) (err error) {
	*k, err = ParsePublicKey(string(text))
	return err
}

// Public computes the public half of the pair. It fails for a key that CURVE cannot use, and with [ErrFIPS].
func (k SecretKey) Public() (PublicKey, error) {
	if fips140.Enforced() {
		return PublicKey{}, ErrFIPS
	}
	public, err := zmtp.Key(k).Public()
	return PublicKey(public), err
}

// Z85 returns the key itself, as text. Write it only to files that no other user can read.
func (k SecretKey) Z85() string { return string(textOf(k[:])) }

// Format writes a placeholder, for every verb.
func (SecretKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, secretShown) }

// MarshalText returns a placeholder, which [ParseSecretKey] refuses.
func (SecretKey) MarshalText() ([]byte, error) { return []byte(secretShown), nil }

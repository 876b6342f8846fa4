// SPDX-License-Identifier: MIT

package zmq

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// z85Digits are the digits of Z85, ZeroMQ's text for binary data, from 0 to 84.
const z85Digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

const (
	z85Base  = uint64(len(z85Digits))
	z85Bytes = 4 // of data, which become
	z85Chars = 5 // characters
	noDigit  = 0xff
)

// z85Values has the value of each character.
var z85Values = func() (values [256]byte) {
	for i := range values {
		values[i] = noDigit
	}
	for i, c := range []byte(z85Digits) {
		values[c] = byte(i)
	}
	return values
}()

// errZ85 is in every error of [DecodeZ85].
var errZ85 = errors.New("not Z85")

// EncodeZ85 returns data in Z85: 5 characters for 4 bytes. It fails if the length of data is not a multiple of 4.
func EncodeZ85(data []byte) (string, error) {
	if len(data)%z85Bytes != 0 {
		return "", fmt.Errorf("z85: %d bytes, and the length must be a multiple of %d: pad them", len(data), z85Bytes)
	}
	return string(textOf(data)), nil
}

// textOf is EncodeZ85 for data of a good length.
func textOf(data []byte) []byte {
	text := make([]byte, 0, len(data)/z85Bytes*z85Chars)
	for ; len(data) > 0; data = data[z85Bytes:] {
		n := uint64(binary.BigEndian.Uint32(data))
		var block [z85Chars]byte
		for i := range block {
			block[z85Chars-1-i] = z85Digits[n%z85Base]
			n /= z85Base
		}
		text = append(text, block[:]...)
	}
	return text
}

// DecodeZ85 returns the data of a text that [EncodeZ85] wrote. The length of s must be a multiple of 5. Errors show nothing of
// s, which may be secret.
func DecodeZ85(s string) ([]byte, error) {
	if len(s)%z85Chars != 0 {
		return nil, fmt.Errorf("%w: %d characters, and the length must be a multiple of %d: check that nothing is missing", errZ85, len(s), z85Chars)
	}
	data := make([]byte, 0, len(s)/z85Chars*z85Bytes)
	for start := 0; start < len(s); start += z85Chars {
		n := uint64(0)
		for i := start; i < start+z85Chars; i++ {
			digit := z85Values[s[i]]
			if digit == noDigit {
				return nil, fmt.Errorf("%w: character %d does not belong to it: check the quoting", errZ85, i+1)
			}
			n = n*z85Base + uint64(digit)
		}
		if n > 1<<32-1 {
			return nil, fmt.Errorf("%w: characters %d to %d stand for more than 32 bits: check that nothing was changed", errZ85, start+1, start+z85Chars)
		}
		data = binary.BigEndian.AppendUint32(data, uint32(n))
	}
	return data, nil
}

// SPDX-License-Identifier: MIT

package wsframe

import (
	"crypto/fips140"
	"crypto/sha1" //nolint:gosec // RFC 6455 says so; it is no security function there
	"encoding/base64"
	"strings"
)

// Accept is the proof that a server has read the key of a request.
func Accept(key string) string {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	var sum [sha1.Size]byte
	fips140.WithoutEnforcement(func() { sum = sha1.Sum([]byte(key + guid)) }) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Listed reports whether lines of a header, which are lists with commas, have a word. Upper and lower case are the same.
func Listed(lines []string, word string) bool {
	for _, line := range lines {
		for w := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(w), word) {
				return true
			}
		}
	}
	return false
}

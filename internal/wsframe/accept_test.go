// SPDX-License-Identifier: MIT

package wsframe

import "testing"

// The example of RFC 6455, section 1.3.
func TestAccept(t *testing.T) {
	if got := Accept("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("the proof is %s", got)
	}
}

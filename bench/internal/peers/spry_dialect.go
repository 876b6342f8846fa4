// SPDX-License-Identifier: MIT

package peers

import (
	"cmp"
	"strings"

	"github.com/sprymq/spry/bench/internal/worker"
)

// Prefixes of modes: ZeroMQ's dialect, and that dialect encrypted.
const (
	zmtpDialect = "zmtp"
	curve       = "curve"
)

// dialectOf takes a mode apart: zmtp-batch is the mode batch in ZeroMQ's dialect, and zmtp is plain in it. Other modes
// are of the dialect of the Scalability Protocols, which has no name here.
func dialectOf(mode string) (dialect, rest string) {
	if first, after, _ := strings.Cut(mode, "-"); first == zmtpDialect || first == curve {
		return first, cmp.Or(after, "plain")
	}
	return "", mode
}

// spryAddress is the address to dial, which names the dialect. Who listens takes all dialects.
func spryAddress(s worker.Settings) string {
	if dialect, _ := dialectOf(s.Mode); dialect != "" {
		return "zmtp+" + s.URL
	}
	return s.URL
}

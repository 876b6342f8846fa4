// SPDX-License-Identifier: MIT

package peers

import (
	"cmp"
	"strings"

	"github.com/sprymq/spry/bench/internal/worker"
)

// zmtp is the dialect of ZeroMQ; without a dialect's name in its mode, a worker speaks that of the Scalability Protocols.
const zmtp = "zmtp"

// dialectOf takes a mode apart: zmtp-batch is the mode batch in ZeroMQ's dialect, and zmtp is plain in it.
func dialectOf(mode string) (dialect, rest string) {
	if first, after, _ := strings.Cut(mode, "-"); first == zmtp {
		return first, cmp.Or(after, "plain")
	}
	return "", mode
}

// spryAddress is the address to dial, which names the dialect. Who listens takes all dialects.
func spryAddress(s worker.Settings) string {
	if dialect, _ := dialectOf(s.Mode); dialect != "" {
		return dialect + "+" + s.URL
	}
	return s.URL
}

// SPDX-License-Identifier: MIT

//go:build !pebbe

package peers

import "github.com/sprymq/spry/bench/internal/worker"

// tagged are the peers that need a build of their own, as they need cgo.
func tagged() map[string]worker.Peer { return nil }

// SPDX-License-Identifier: MIT

// Package gateway_test has programs that know HTTP, and nothing of Spry, use every handler of the gateway: curl, nghttp, h2load, and the
// EventSource of npm and of browsers.
package gateway_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

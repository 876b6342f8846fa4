// SPDX-License-Identifier: MIT

// Package websocket_test meets programs that know WebSocket and nothing of the Scalability Protocols, and web proxies.
package websocket_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

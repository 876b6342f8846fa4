// SPDX-License-Identifier: MIT

// Package reverseproxy_test runs nginx, HAProxy and Caddy as docs/guide/reverse-proxy.md configures them, before a server with sockets.
package reverseproxy_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

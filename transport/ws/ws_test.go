// SPDX-License-Identifier: MIT

package ws_test

import (
	"testing"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/transporttest"
	"github.com/sprymq/spry/transport/ws"
)

var malformed = []string{"ws://", "ws://127.0.0.1:x/", "ws://127.0.0.1:1/%zz", "ws://127.0.0.1:1/a b"}

func TestTransport(t *testing.T) {
	transporttest.Run(t, ws.Transport{}, transporttest.Options{
		URL:       func(*testing.T) string { return "ws://127.0.0.1:0/feed" },
		Malformed: malformed,
	})
}

func TestTransportOverTLS(t *testing.T) {
	server, client := testkit.Certificates()
	transporttest.Run(t, ws.Transport{}, transporttest.Options{
		URL:        func(*testing.T) string { return "wss://127.0.0.1:0" },
		Dial:       transport.DialOptions{TLS: client},
		Listen:     transport.ListenOptions{TLS: server},
		Concurrent: 50,
	})
}

func TestTransportOverUnixSockets(t *testing.T) {
	transporttest.Run(t, ws.Transport{}, transporttest.Options{
		URL: func(t *testing.T) string { return "ws+" + testkit.Address(t, "ipc") + ":/feed" },
	})
}

func TestTransportOverTLSOnUnixSockets(t *testing.T) {
	authority := testcert.NewAuthority(t)
	transporttest.Run(t, ws.Transport{}, transporttest.Options{
		URL:    func(t *testing.T) string { return "wss+" + testkit.Address(t, "ipc") + ":/feed" },
		Dial:   transport.DialOptions{TLS: authority.Client(t, "client")},
		Listen: transport.ListenOptions{TLS: authority.MutualServer(t)},
	})
}

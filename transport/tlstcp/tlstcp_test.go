// SPDX-License-Identifier: MIT

package tlstcp_test

import (
	"testing"

	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/transporttest"
)

func TestTransport(t *testing.T) {
	authority := testcert.NewAuthority(t)
	transporttest.Run(t, tlstcp.Transport{}, transporttest.Options{
		URL:    func(*testing.T) string { return "tls+tcp://127.0.0.1:0" },
		Dial:   transport.DialOptions{TLS: authority.Client(t, "client")},
		Listen: transport.ListenOptions{TLS: authority.MutualServer(t)},
		Malformed: []string{
			"tls+tcp://",
			"tls+tcp://127.0.0.1",
			"tls+tcp4://[::1]:5555",
			"tls+tcp6://127.0.0.1:5555",
		},
	})
}

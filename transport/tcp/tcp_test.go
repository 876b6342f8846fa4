// SPDX-License-Identifier: MIT

package tcp_test

import (
	"testing"

	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/transporttest"
)

func TestTransport(t *testing.T) {
	transporttest.Run(t, tcp.Transport{}, transporttest.Options{
		URL: func(*testing.T) string { return "tcp://127.0.0.1:0" },
		Malformed: []string{
			"tcp://",
			"tcp://127.0.0.1",
			"tcp://127.0.0.1:",
			"tcp://127.0.0.1:port",
			"tcp://127.0.0.1:65536",
			"tcp://127.0.0.1:1000000",
			"tcp://127.0.0.1:-1",
			"tcp://127.0.0.1:+1",
			"tcp://127.0.0.1:5555/",
			"tcp://::1:5555",
			"tcp://[::1]",
			"tcp://[127.0.0.1]:5555",
			"tcp://[::1:5555",
			"tcp://[localhost]:5555",
			"tcp://two words:5555",
			"tcp://user@host:5555",
			"tcp://-hostname:5555",
			"tcp://a..b:5555",
			"tcp://ex\u00e4mple.org:5555",
			"tcp4://[::1]:5555",
			"tcp6://127.0.0.1:5555",
			"tcp://;127.0.0.1:5555",
		},
	})
}

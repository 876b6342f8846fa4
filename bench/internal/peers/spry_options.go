// SPDX-License-Identifier: MIT

package peers

import (
	"context"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bench/internal/worker"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/zmq"
)

// curveSecret is the server's key, which protects nothing.
var curveSecret = zmq.SecretKey{1}

// spryTransports are those that works can be measured over.
var spryTransports = []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}, ws.Transport{}}

// spryServer returns the options of a socket that listens, with security if the mode says so.
func spryServer(s worker.Settings) spry.Options {
	o := spry.Options{Transports: spryTransports}
	if dialect, _ := dialectOf(s.Mode); dialect == curve {
		o.Security = zmq.CurveServer{Secret: curveSecret}
	}
	return o
}

// spryClient returns the options of a socket that dials, likewise.
func spryClient(s worker.Settings) (o spry.Options, err error) {
	o.Transports = spryTransports
	if dialect, _ := dialectOf(s.Mode); dialect == curve {
		var server zmq.PublicKey
		server, err = curveSecret.Public()
		o.Security = zmq.CurveClient{Server: server}
	}
	return o, err
}

// spryBind has a socket listen at the address of the settings.
func spryBind(s worker.Settings, socket interface {
	ListenWith(ctx context.Context, l *spry.ListenConfig) (*spry.Endpoint, error)
},
) error {
	config, err := tlsServer(s.URL)
	if err != nil {
		return err
	}
	_, err = socket.ListenWith(context.Background(), &spry.ListenConfig{URL: s.URL, TLS: config})
	return err
}

// spryConnect has a socket dial it.
func spryConnect(s worker.Settings, socket interface {
	DialWith(ctx context.Context, d *spry.DialConfig) (*spry.Endpoint, error)
},
) error {
	_, err := socket.DialWith(context.Background(), &spry.DialConfig{URL: spryAddress(s), TLS: tlsClient(s.URL)})
	return err
}

// SPDX-License-Identifier: MIT

package peers

import (
	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bench/internal/worker"
	"github.com/sprymq/spry/zmq"
)

// curveSecret is the server's key, which protects nothing.
var curveSecret = zmq.SecretKey{1}

// spryServer returns the options of a socket that listens, with security if the mode says so.
func spryServer(s worker.Settings) (o spry.Options) {
	if dialect, _ := dialectOf(s.Mode); dialect == curve {
		o.Security = zmq.CurveServer{Secret: curveSecret}
	}
	return o
}

// spryClient returns the options of a socket that dials, likewise.
func spryClient(s worker.Settings) (o spry.Options, err error) {
	if dialect, _ := dialectOf(s.Mode); dialect == curve {
		var server zmq.PublicKey
		server, err = curveSecret.Public()
		o.Security = zmq.CurveClient{Server: server}
	}
	return o, err
}

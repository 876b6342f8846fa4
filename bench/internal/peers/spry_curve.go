// SPDX-License-Identifier: MIT

package peers

import (
	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bench/internal/worker"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

var serverSecret, clientSecret = zmtp.Key{1}, zmtp.Key{2}

// curveEnd is CURVE for one end, which lets everybody in.
type curveEnd struct{ wire.Security }

// Resolve implements [spry.Security].
func (c curveEnd) Resolve() (wire.Security, engine.Authenticate, error) { return c.Security, nil, nil }

// spryServer returns the options of a socket that listens, with security if the mode says so.
func spryServer(s worker.Settings) (o spry.Options) {
	if dialect, _ := dialectOf(s.Mode); dialect == curve {
		o.Security = curveEnd{zmtp.CurveServer{Secret: serverSecret}}
	}
	return o
}

// spryClient returns the options of a socket that dials, likewise.
func spryClient(s worker.Settings) (o spry.Options, err error) {
	if dialect, _ := dialectOf(s.Mode); dialect == curve {
		var server zmtp.Key
		server, err = serverSecret.Public()
		o.Security = curveEnd{zmtp.CurveClient{Secret: clientSecret, ServerKey: server}}
	}
	return o, err
}

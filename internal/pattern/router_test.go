// SPDX-License-Identifier: MIT

package pattern

import (
	"io"
	"iter"
	"net"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
)

// No peer may call itself as a Router calls those that have no name: it could get what is for one of them.
func TestIdentitiesThatARouterGives(t *testing.T) {
	o := engine.Options{Dialects: []wire.Dialect{zmtp.Dialect}, Transports: []transport.Transport{tcp.Transport{}}}
	_, router := open(t, o, func(_ *engine.Socket, o engine.Options) *Router { return NewRouter(zmtp.Router.Hello(), o, true) })
	next, stop := iter.Pull(router.Events(t.Context()))
	defer stop()
	e, err := router.Listen(t.Context(), "tcp://127.0.0.1:0", engine.EndpointConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		identity string
		reason   string // "" = it may
	}{
		{"\x00\x00\x00\x00\x07", "identity"},
		{"\x00\xff\xff\xff\xff", "identity"},
		{"", ""},
		{"\x00", ""},
		{"\x00\x01\x02\x03", ""},
		{"\x01\x00\x00\x00\x07", ""},
		{"\x00of six", ""},
	} {
		dealer, err := net.Dial("tcp", e.Addr().String()) // by hand: a socket of ours does not call itself so
		if err != nil {
			t.Fatal(err)
		}
		ready := "\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00" + string([]byte{byte(len(c.identity))}) + c.identity
		_, _ = io.WriteString(dealer, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01NULL"+strings.Repeat("\x00", 48)+
			"\x04"+string([]byte{byte(len(ready))})+ready)
		v, ok := next()
		for ok && v.Kind != engine.EventReject && v.Kind != engine.EventPipeUp {
			v, ok = next()
		}
		if !ok || v.Reason != c.reason {
			t.Errorf("%q: %v, %q (%v); want %q", c.identity, v.Kind, v.Reason, v.Err, c.reason)
		}
		_ = dealer.Close()
	}
}

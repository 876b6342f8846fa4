// SPDX-License-Identifier: MIT

package guide_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// TestLacks checks that Spry still lacks what the comparison says that it lacks, and has what it says that it has.
func TestLacks(t *testing.T) {
	page := strings.Join(strings.Fields(read(t, "comparison.md")), " ")
	usual := spry.NewPush(nil)
	defer usual.Close()
	web := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{ws.Transport{}}}})
	defer web.Close()
	for _, test := range []struct {
		row, url string
		has      bool
	}{
		{"| udp | **no** |", "udp://127.0.0.1:9", false},
		{"| DTLS | **no** |", "dtls://127.0.0.1:9", false},
		{"| QUIC, WebRTC, shared memory | **no** |", "quic://127.0.0.1:9", false},
		{"| QUIC, WebRTC, shared memory | **no** |", "webrtc://127.0.0.1:9", false},
		{"| QUIC, WebRTC, shared memory | **no** |", "shm://name", false},
		{"| multicast | **no** |", "pgm://127.0.0.1;239.192.1.1:9", false},
		{"| VMCI, TIPC | **no** |", "vmci://1:9", false},
		{"| ipc | yes |", "ipc://name", true},
		{"| TLS over tcp | yes |", "tls+tcp://127.0.0.1:9", true},
		{"| WebSocket | yes |", "ws://127.0.0.1:9/", true},
	} {
		if !strings.Contains(page, test.row) {
			t.Errorf("comparison.md has no row %q", test.row)
		}
		_, err := usual.Connect(test.url)
		_, errWeb := web.Connect(test.url)
		if has := !errors.Is(err, spry.ErrScheme) || !errors.Is(errWeb, spry.ErrScheme); has != test.has {
			t.Errorf("%s: %v, %v, and comparison.md says %q", test.url, err, errWeb, test.row)
		}
	}
	for _, missing := range []struct{ row, api, name string }{
		{"| STREAM | no |", "zmq.txt", "func NewStream("},
		{"| STAR | no |", "spry.txt", "func NewStar("},
		{"| GSSAPI | **no** |", "zmq.txt", "type GSSAPI"},
	} {
		if !strings.Contains(page, missing.row) || strings.Contains(read(t, "../../api/"+missing.api), missing.name) {
			t.Errorf("comparison.md should not say %q, or says it no more", missing.row)
		}
	}
}

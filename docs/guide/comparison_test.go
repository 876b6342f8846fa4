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
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{ws.Transport{}}}})
	defer push.Close()
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
		if _, err := push.Connect(test.url); errors.Is(err, spry.ErrScheme) == test.has {
			t.Errorf("%s: %v, and comparison.md says %q", test.url, err, test.row)
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

// SPDX-License-Identifier: MIT

package kit

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

// An Address is where the two ends meet.
type Address struct {
	Transport   string
	URL         string
	Dialect     string // what stands before the URL when Spry dials: "zmtp+", or nothing
	SpryListens bool
	TLS         *Credentials // for tls+tcp
	Mutual      bool         // with a certificate of the dialing end too
}

// How is the argument of a C peer that meets Spry at the address.
func (a Address) How() string {
	if a.SpryListens {
		return "dial"
	}
	return "listen"
}

// HaveIPv6 reports whether this machine has it.
func HaveIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// Direction names, in the table, the side of the foreign peer.
func Direction(spryListens bool) string {
	if spryListens {
		return "it dials"
	}
	return "it listens"
}

// NewAddress makes an address that nothing uses.
func NewAddress(t *testing.T, transport string, spryListens bool) Address {
	t.Helper()
	a := Address{Transport: transport, SpryListens: spryListens}
	switch transport {
	case "ipc", "unix":
		a.URL = transport + "://" + peer.SocketPath(Scratch)
	case "abstract":
		a.URL = "abstract://" + filepath.Base(Scratch) + filepath.Base(peer.SocketPath(Scratch))
	case "tcp6":
		a.URL = "tcp6://" + peer.FreePort(t, "::1")
	case "tls+tcp":
		a.URL = "tls+tcp://" + peer.TCPAddress(t)
		a.TLS = Certificates(t)
	case "ws":
		a.URL = "ws://" + peer.TCPAddress(t)
		if spryListens { // libnanomsg listens at no path
			a.URL += "/feed"
		}
	case "wss":
		_, port, _ := net.SplitHostPort(peer.TCPAddress(t))
		a.URL = "wss://localhost:" + port + "/feed" // the name in the certificate
		a.TLS = Certificates(t)
	default:
		a.URL = transport + "://" + peer.TCPAddress(t)
	}
	return a
}

// Body makes size bytes that depend on the seed: with an odd one, every value is among them.
func Body(size, seed int) []byte {
	return Repeating(size, func(k int) byte { return byte(k * seed) })
}

var bodyFiles atomic.Int32

// BodyFile writes a file, which is removed when the test ends.
func BodyFile(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(Scratch, fmt.Sprintf("body%d", bodyFiles.Add(1)))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path) })
	return path
}

// Same compares bytes.
func Same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	t.Errorf("%s %d bytes instead of %d; they differ from byte %d on", what, len(got), len(want), at)
}

// LongPause is an --interval that keeps a tool from closing its socket, and so from losing what is still queued,
// after the one message that it sends.
const LongPause = "3600"

// Sizes of bodies: the smallest, one with every byte value, and one larger than any buffer on the way.
var Sizes = []int{0, 256, 1 << 20}

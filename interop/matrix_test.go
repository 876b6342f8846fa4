// SPDX-License-Identifier: MIT

package interop_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

// headerRoom is more than any routing header takes in these tests.
const headerRoom = 64

// sizes of bodies: the smallest, one with every byte value, and one larger than any buffer on the way.
var sizes = []int{0, 256, 1 << 20}

// An end attaches Spry's end of an exchange, listening at its return if it is to listen. finish then sends the body
// and returns what was received, as far as the pattern goes.
type end func(t *testing.T, role string, a address, send []byte) (finish func() (received []byte))

// TestMatrix exchanges messages with the foreign tools in every pattern, transport and direction that they have, and
// compares every byte.
func TestMatrix(t *testing.T) {
	for _, tl := range tools {
		for _, x := range exchanges {
			if tl.protocols[x.tool] == "" {
				continue
			}
			for _, transport := range tl.transports {
				for _, spryListens := range []bool{true, false} {
					r := row{tl.name, x.tool + " – " + x.spry, transport, direction(spryListens)}
					name := strings.ReplaceAll(fmt.Sprintf("%s/%s/%s/%s", tl.name, x.tool, transport, r.direction), " ", "_")
					for s, spry := range map[side]end{library: libraryEnd, command: commandEnd} {
						t.Run(fmt.Sprintf("%s/%s", name, s), func(t *testing.T) {
							results.track(t, r, s)
							t.Parallel()
							for _, size := range sizes {
								meet(t, tl, x, newAddress(t, transport, spryListens), size, spry)
							}
						})
					}
				}
			}
		}
	}
}

// TestOtherSchemes tries the schemes of libnng beside the plain ones. They differ in the address only, so one pattern
// is enough.
func TestOtherSchemes(t *testing.T) {
	nngcat := tools[0]
	for _, transport := range []string{"unix", "abstract", "tcp4", "tcp6"} {
		if transport == "abstract" && runtime.GOOS != "linux" || transport == "tcp6" && !haveIPv6() {
			t.Logf("NOT TESTED: %s, which this machine does not have", transport)
			continue
		}
		for _, spryListens := range []bool{true, false} {
			for s, spry := range map[side]end{library: libraryEnd, command: commandEnd} {
				t.Run(fmt.Sprintf("%s/spry_listens=%v/%s", transport, spryListens, s), func(t *testing.T) {
					results.track(t, row{nngcat.name, "req – rep", transport, direction(spryListens)}, s)
					t.Parallel()
					meet(t, nngcat, reqToRep, newAddress(t, transport, spryListens), 256, spry)
				})
			}
		}
	}
}

func haveIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// direction tells in the table which side the foreign peer took.
func direction(spryListens bool) string {
	if spryListens {
		return "it dials"
	}
	return "it listens"
}

// newAddress makes an address that nothing uses.
func newAddress(t *testing.T, transport string, spryListens bool) address {
	t.Helper()
	a := address{transport: transport, spryListens: spryListens}
	switch transport {
	case "ipc", "unix":
		a.url = transport + "://" + peer.SocketPath(scratch)
	case "abstract":
		a.url = "abstract://" + filepath.Base(scratch) + filepath.Base(peer.SocketPath(scratch))
	case "tcp6":
		a.url = "tcp6://" + peer.FreePort(t, "::1")
	case "tls+tcp":
		a.url = "tls+tcp://" + peer.TCPAddress(t)
		a.tls = certificates(t)
	default:
		a.url = transport + "://" + peer.TCPAddress(t)
	}
	return a
}

// meet has one message, or one each way, cross between a tool and Spry.
func meet(t *testing.T, tl tool, x exchange, a address, size int, spry end) {
	t.Helper()
	theirs := body(size, 1)
	ours := body(size, 3)
	if limit := tl.bodyLimit - headerRoom; x.header && size > limit {
		ours = ours[:limit]
	}
	file := bodyFile(t, theirs)
	var (
		process *peer.Process
		finish  func() []byte
	)
	if a.spryListens {
		finish = spry(t, x.role(a), a, ours)
		process = tl.start(t, x, a, file, size == 0)
	} else {
		process = tl.start(t, x, a, file, size == 0)
		peer.WaitListening(t, a.url)
		finish = spry(t, x.role(a), a, ours)
	}
	defer process.Reap()
	got := finish()
	if x.toSpry {
		same(t, "Spry received", got, theirs)
	}
	if x.toTool {
		same(t, tl.name+" received", process.WaitBodies(1)[0], ours)
	}
}

// body makes size bytes that depend on the seed: with an odd one, every value is among them.
func body(size, seed int) []byte {
	return repeating(size, func(k int) byte { return byte(k * seed) })
}

var bodyFiles atomic.Int32

func bodyFile(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(scratch, fmt.Sprintf("body%d", bodyFiles.Add(1)))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	return path
}

func same(t *testing.T, what string, got, want []byte) {
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

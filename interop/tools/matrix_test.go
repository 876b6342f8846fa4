// SPDX-License-Identifier: MIT

package tools_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// headerRoom is more than any routing header takes in these tests.
const headerRoom = 64

// An end attaches Spry's end of an exchange, listening at its return if it is to listen. finish then sends the body
// and returns what was received, as far as the pattern goes.
type end func(t *testing.T, role string, a kit.Address, send []byte) (finish func() (received []byte))

// TestMatrix exchanges messages with the foreign tools in every pattern, transport and direction that they have, and
// compares every byte. Without SPRY_LONG, one side listens over ws.
func TestMatrix(t *testing.T) {
	kit.Builder.Command(t, kit.CommandFolder) // before the first tool waits for it: some do not wait long
	for _, tl := range tools {
		for _, x := range exchanges {
			if tl.protocols[x.tool] == "" {
				continue
			}
			for _, transport := range tl.transports {
				for _, spryListens := range []bool{true, false} {
					if !kit.Chosen(transport, tl.name, x.tool, spryListens) {
						continue
					}
					testCell(t, tl, x, transport, spryListens)
				}
			}
		}
	}
}

// testCell tries all sizes with Spry as a library and as the command.
func testCell(t *testing.T, tl tool, x exchange, transport string, spryListens bool) {
	r := kit.Row(tl.name, x.tool+" – "+x.spry, transport, kit.Direction(spryListens))
	name := strings.ReplaceAll(fmt.Sprintf("%s/%s/%s/%s", tl.name, x.tool, transport, r.Direction), " ", "_")
	ends := tl.ends(transport)
	if x.serves && !spryListens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := servers{t, map[int]*server{}}
			for s, spry := range ends {
				t.Run(string(s), func(t *testing.T) {
					kit.Results.Track(t, r, s)
					peer.Find(t, tl.name, tl.debianPackage) // skips this test: the tool itself is started for the one around it
					for _, size := range kit.Sizes {
						shared.meet(t, tl, x, transport, size, spry)
					}
				})
			}
		})
		return
	}
	for s, spry := range ends {
		t.Run(fmt.Sprintf("%s/%s", name, s), func(t *testing.T) {
			kit.Results.Track(t, r, s)
			t.Parallel()
			for _, size := range kit.Sizes {
				meet(t, tl, x, kit.NewAddress(t, transport, spryListens), size, spry)
			}
		})
	}
}

// ends are Spry's ends that suit the tool.
func (tl tool) ends(transport string) map[kit.Side]end {
	if slices.Contains(tl.forgetsEnds, transport) {
		return map[kit.Side]end{kit.Library: libraryEnd, kit.Command: commandLeftRunning}
	}
	return map[kit.Side]end{kit.Library: libraryEnd, kit.Command: commandEnd}
}

// TestOtherSchemes tries the schemes of libnng beside the plain ones. They differ in the address, or in TLS below, so one pattern
// is enough.
func TestOtherSchemes(t *testing.T) {
	kit.Builder.Command(t, kit.CommandFolder)
	nngcat := tools[0]
	for _, transport := range []string{"unix", "abstract", "tcp4", "tcp6", "wss"} {
		if transport == "abstract" && runtime.GOOS != "linux" || transport == "tcp6" && !kit.HaveIPv6() {
			t.Logf("NOT TESTED: %s, which this machine does not have", transport)
			continue
		}
		for _, spryListens := range []bool{true, false} {
			for s, spry := range nngcat.ends(transport) {
				t.Run(fmt.Sprintf("%s/spry_listens=%v/%s", transport, spryListens, s), func(t *testing.T) {
					kit.Results.Track(t, kit.Row(nngcat.name, "req – rep", transport, kit.Direction(spryListens)), s)
					t.Parallel()
					meet(t, nngcat, reqToRep, kit.NewAddress(t, transport, spryListens), 256, spry)
				})
			}
		}
	}
}

// bodies are what the tool and Spry send.
func (x exchange) bodies(tl tool, size int) (theirs, ours []byte) {
	theirs, ours = kit.Body(size, 1), kit.Body(size, 3)
	if limit := tl.bodyLimit - headerRoom; x.header && size > limit {
		ours = ours[:limit]
	}
	return theirs, ours
}

// meet has one message, or one each way, cross between a tool and Spry.
func meet(t *testing.T, tl tool, x exchange, a kit.Address, size int, spry end) {
	t.Helper()
	theirs, ours := x.bodies(tl, size)
	file := kit.BodyFile(t, theirs)
	var (
		process *peer.Process
		finish  func() []byte
	)
	if a.SpryListens {
		finish = spry(t, x.role(a), a, ours)
		process = tl.start(t, x, a, file, size == 0)
	} else {
		process = tl.start(t, x, a, file, size == 0)
		peer.WaitListening(t, a.URL)
		finish = spry(t, x.role(a), a, ours)
	}
	defer process.Reap()
	got := finish()
	if x.toSpry {
		kit.Same(t, "Spry received", got, theirs)
	}
	if x.toTool {
		kit.Same(t, tl.name+" received", process.WaitBodies(1)[0], ours)
	}
}

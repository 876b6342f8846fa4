// SPDX-License-Identifier: MIT

package interop_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

// Names of the C peers' libraries in the table.
const (
	libnng     = "libnng"
	libnanomsg = "libnanomsg"
	libzmq     = "libzmq"
)

// startC runs a C peer until it is ready.
func startC(t *testing.T, program string, args ...string) *peer.Process {
	t.Helper()
	p := peer.Start(t, builder.C(t, program), args...)
	p.WaitLine("ready")
	return p
}

// how is the argument of a C peer that meets Spry at the address.
func (a address) how() string {
	if a.spryListens {
		return "dial"
	}
	return "listen"
}

// eachWay runs a test of the library over tcp and ipc, with either side listening, and enters it in the table.
func eachWay(t *testing.T, peerName, pattern string, test func(t *testing.T, a address)) {
	t.Helper()
	for _, transport := range []string{"tcp", "ipc"} {
		for _, spryListens := range []bool{true, false} {
			r := row{peerName, pattern, transport, direction(spryListens)}
			t.Run(fmt.Sprintf("%s/%s/%s", peerName, transport, strings.ReplaceAll(r.direction, " ", "_")), func(t *testing.T) {
				results.track(t, r, library)
				t.Parallel()
				a := newAddress(t, transport, spryListens)
				if peerName == libzmq {
					a.dialect = "zmtp+"
				}
				test(t, a)
			})
		}
	}
}

// meetC starts a C peer and Spry's socket at one address, in the order that the address asks for. args follow the
// way and the URL.
func meetC(t *testing.T, a address, s socket, program string, args ...string) *peer.Process {
	t.Helper()
	if a.spryListens {
		attach(t, s, a)
		return startC(t, program, append([]string{a.how(), a.url}, args...)...)
	}
	p := startC(t, program, append([]string{a.how(), a.url}, args...)...)
	attach(t, s, a)
	return p
}

// numbered is message i of a run, as the C peers fill it.
func numbered(size, i int) []byte {
	b := repeating(size, func(k int) byte { return byte(i + k*7) })
	if size >= 4 {
		binary.BigEndian.PutUint32(b, uint32(i))
	}
	return b
}

// repeating makes size bytes out of the first 256, because byte by byte is slow under the race detector.
func repeating(size int, first func(k int) byte) []byte {
	var period [256]byte
	for k := range period {
		period[k] = first(k)
	}
	b := make([]byte, 0, size+len(period))
	for len(b) < size {
		b = append(b, period[:]...)
	}
	return b[:size:size]
}

// A tally computes the line that receiving C peers end with.
type tally struct {
	count, bytes int
	sum          interface {
		Write(p []byte) (int, error)
		Sum64() uint64
	}
}

func newTally() *tally { return &tally{sum: fnv.New64a()} }

func (y *tally) add(body []byte) {
	y.count++
	y.bytes += len(body)
	_, _ = y.sum.Write(body) // a hash does not fail
}

func (y *tally) String() string {
	return fmt.Sprintf("count %d bytes %d checksum %016x", y.count, y.bytes, y.sum.Sum64())
}

// numberedTally is the tally of n numbered messages.
func numberedTally(n, size int) *tally {
	y := newTally()
	for i := range n {
		y.add(numbered(size, i))
	}
	return y
}

// sendNumbered sends n numbered messages.
func sendNumbered(t *testing.T, s interface {
	Send(ctx context.Context, body []byte) error
}, n, size int,
) {
	t.Helper()
	ctx := watched(t)
	for i := range n {
		if err := s.Send(ctx, numbered(size, i)); err != nil {
			t.Fatalf("send message %d of %d: %v", i, n, err)
		}
	}
}

// expectTally waits for a receiving C peer's result.
func expectTally(t *testing.T, p *peer.Process, want *tally) {
	t.Helper()
	if got := p.WaitLine("count "); got != want.String() {
		t.Errorf("%s received\n%s, sent was\n%s", p, got, want)
	}
}

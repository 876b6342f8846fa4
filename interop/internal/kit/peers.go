// SPDX-License-Identifier: MIT

package kit

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

// Names of the C peers' libraries in the table.
const (
	LibNNG     = "libnng"
	LibNanomsg = "libnanomsg"
	LibZMQ     = "libzmq"
)

// StartC runs a C peer until it is ready.
func StartC(t *testing.T, program string, args ...string) *peer.Process {
	t.Helper()
	p := peer.Start(t, Builder.C(t, program), args...)
	p.WaitLine("ready")
	return p
}

// EachWay runs a test of the library over tcp, ipc and ws, with either side listening, and enters it in the table. Without
// SPRY_LONG, one side listens over ws: see [Chosen].
func EachWay(t *testing.T, peerName, pattern string, test func(t *testing.T, a Address)) {
	t.Helper()
	EachWayOver(t, []string{"tcp", "ipc", "ws"}, peerName, pattern, test)
}

// EachWayOver is EachWay over these transports.
func EachWayOver(t *testing.T, transports []string, peerName, pattern string, test func(t *testing.T, a Address)) {
	t.Helper()
	for _, transport := range transports {
		for _, spryListens := range []bool{true, false} {
			if !Chosen(transport, peerName, pattern, spryListens) {
				continue
			}
			r := Row(peerName, pattern, transport, Direction(spryListens))
			t.Run(fmt.Sprintf("%s/%s/%s", peerName, transport, strings.ReplaceAll(r.Direction, " ", "_")), func(t *testing.T) {
				Results.Track(t, r, Library)
				t.Parallel()
				a := NewAddress(t, transport, spryListens)
				if peerName == LibZMQ {
					a.Dialect = "zmtp+"
				}
				test(t, a)
			})
		}
	}
}

// Long has the tests that take a while do all that they can.
var Long = os.Getenv("SPRY_LONG") != ""

// Chosen reports whether a test runs. Without SPRY_LONG, one side listens in a test over ws. Half of these tests suffice, because the
// sides differ in the upgrade and in masking, which know nothing of patterns: with each peer, many patterns are tested with Spry as the
// server, and as many as the client. The choice depends on the names alone, so every run tests the same.
func Chosen(transport, peerName, pattern string, spryListens bool) bool {
	if transport != "ws" || Long {
		return true
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, peerName+pattern) // a hash does not fail
	return spryListens == (h.Sum32()%2 == 0)
}

// MeetC starts a C peer and Spry's socket at one address, in the order that the address asks for. args follow the
// way and the URL.
func MeetC(t *testing.T, a Address, s Socket, program string, args ...string) *peer.Process {
	t.Helper()
	if a.SpryListens {
		Attach(t, s, a)
		return StartC(t, program, append([]string{a.How(), a.URL}, args...)...)
	}
	p := StartC(t, program, append([]string{a.How(), a.URL}, args...)...)
	Attach(t, s, a)
	return p
}

// Numbered is message i of a run, as the C peers fill it.
func Numbered(size, i int) []byte {
	b := Repeating(size, func(k int) byte { return byte(i + k*7) })
	if size >= 4 {
		binary.BigEndian.PutUint32(b, uint32(i))
	}
	return b
}

// Repeating makes size bytes out of the first 256, because byte by byte is slow under the race detector.
func Repeating(size int, first func(k int) byte) []byte {
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

// A Tally computes the line that receiving C peers end with.
type Tally struct {
	count, bytes int
	sum          interface {
		Write(p []byte) (int, error)
		Sum64() uint64
	}
}

// NewTally returns a tally of nothing.
func NewTally() *Tally { return &Tally{sum: fnv.New64a()} }

// Add counts a message.
func (y *Tally) Add(body []byte) {
	y.count++
	y.bytes += len(body)
	_, _ = y.sum.Write(body) // a hash does not fail
}

func (y *Tally) String() string {
	return fmt.Sprintf("count %d bytes %d checksum %016x", y.count, y.bytes, y.sum.Sum64())
}

// NumberedTally is the tally of n numbered messages.
func NumberedTally(n, size int) *Tally {
	y := NewTally()
	for i := range n {
		y.Add(Numbered(size, i))
	}
	return y
}

// SendNumbered sends n numbered messages.
func SendNumbered(t *testing.T, s interface {
	Send(ctx context.Context, body []byte) error
}, n, size int,
) {
	t.Helper()
	ctx := Watched(t)
	for i := range n {
		if err := s.Send(ctx, Numbered(size, i)); err != nil {
			t.Fatalf("send message %d of %d: %v", i, n, err)
		}
	}
}

// ExpectTally waits for a receiving C peer's result.
func ExpectTally(t *testing.T, p *peer.Process, want *Tally) {
	t.Helper()
	if got := p.WaitLine("count "); got != want.String() {
		t.Errorf("%s received\n%s, sent was\n%s", p, got, want)
	}
}

// SPDX-License-Identifier: MIT

package stress_test

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// halfFrames is a peer that takes as much of a listener's memory as it can get: it begins messages that it does not end,
// or fills a queue that nobody empties.
type halfFrames struct {
	conn    net.Conn
	writing sync.WaitGroup
}

// attack connects to a Pull and begins.
func attack(t *testing.T, address string, rng *rand.Rand) *halfFrames {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	testkit.Check(t, err)
	h := &halfFrames{conn: conn}
	t.Cleanup(h.stop)
	p := uint16(spry.ProtocolPush)
	hello := []byte{0, 'S', 'P', 0, byte(p >> 8), byte(p), 0, 0}
	size := []uint64{15 << 20, 100_000, 1000, 0}[rng.IntN(4)]
	whole := rng.IntN(2) == 0
	h.writing.Go(func() {
		_, _ = conn.Write(hello)
		if _, err := io.ReadFull(conn, make([]byte, 8)); err != nil {
			return
		}
		frame := append(binary.BigEndian.AppendUint64(nil, size), make([]byte, size)...)
		if !whole && size > 0 {
			frame = frame[:len(frame)-1]
			_, _ = conn.Write(frame) // and no more
			return
		}
		for {
			if _, err := conn.Write(frame); err != nil { // the listener's end, or stop's
				return
			}
		}
	})
	return h
}

func (h *halfFrames) stop() {
	_ = h.conn.Close()
	h.writing.Wait()
}

// SPDX-License-Identifier: MIT

package conformance_test

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// sized is the size of message i of a sender: from nothing to most bytes, small ones more often.
func sized(random *rand.Rand, most int) int {
	return random.IntN(1 << random.IntN(1+bitsOf(most)))
}

func bitsOf(n int) (bits int) {
	for ; n > 1; n /= 2 {
		bits++
	}
	return bits
}

// checked makes the body of message i, which says which one it is, and whether it is whole, as far as it has room for that.
func checked(random *rand.Rand, i, size int) []byte {
	body := make([]byte, size)
	const head = 12
	if size < head {
		for k := range body {
			body[k] = byte(i + k)
		}
		return body
	}
	for k := head; k < size; k += 1 + random.IntN(64) {
		body[k] = byte(random.Uint32())
	}
	binary.BigEndian.PutUint64(body, uint64(i))
	binary.BigEndian.PutUint32(body[8:], crc32.ChecksumIEEE(body[head:]))
	return body
}

// T20: messages of random sizes from two senders arrive whole and in the order of each pipe, over every transport, through a
// relay that cuts the stream at random places.
func TestMessagesArriveWholeAndInOrder(t *testing.T) {
	const senders = 2
	messages, most := testkit.Figure(300, 10_000), testkit.Figure(1<<20, 4<<20)
	overEveryWire(t, func(t *testing.T, w wireUnderTest) {
		ctx := testkit.Watchdog(t)
		o := w.options
		o.MaxMessageSize = int64(most)
		pull := spry.NewPull(&spry.PullOptions{Options: o})
		defer pull.Close()
		e := w.listen(t, pull)
		url := relayed(t, e)
		pushes := make([]*spry.Push, senders)
		for i := range pushes {
			pushes[i] = spry.NewPush(&spry.PushOptions{Options: o})
			d := testkit.DialerTo(e)
			d.URL = url
			_, err := pushes[i].DialWith(ctx, d)
			testkit.Check(t, err)
			testkit.Check(t, pull.WaitPipes(ctx, i+1))
		}
		var sending sync.WaitGroup
		for _, push := range pushes {
			sending.Go(func() {
				random := rand.New(rand.NewPCG(20, 1))
				for i := range messages {
					if err := push.Send(ctx, checked(random, i, sized(random, most))); err != nil {
						t.Errorf("message %d: %v", i, err)
						return
					}
				}
			})
		}
		type stream struct {
			random *rand.Rand
			next   int
		}
		streams := map[*spry.Pipe]*stream{}
		var bytes int64
		for range senders * messages {
			m, err := pull.RecvMsg(ctx)
			testkit.Check(t, err)
			s := streams[m.Pipe()]
			if s == nil {
				s = &stream{random: rand.New(rand.NewPCG(20, 1))}
				streams[m.Pipe()] = s
			}
			if want := checked(s.random, s.next, sized(s.random, most)); !slices.Equal(m.Bytes(), want) {
				t.Fatalf("message %d of a pipe has %d bytes, want %d, or they differ", s.next, m.Len(), len(want))
			}
			s.next++
			bytes += int64(m.Len())
			m.Release()
		}
		sending.Wait()
		for _, s := range pushes {
			testkit.Check(t, s.Close())
			if st := s.Stats(); testkit.Unbalanced(st) != "" || st.Send.Sent != uint64(messages) {
				t.Errorf("%s, sent %d of %d", testkit.Unbalanced(st), st.Send.Sent, messages)
			}
		}
		if st := pull.Stats(); testkit.Unbalanced(st) != "" || st.Recv.Delivered != uint64(senders*messages) {
			t.Errorf("%s, delivered %d of %d", testkit.Unbalanced(st), st.Recv.Delivered, senders*messages)
		}
		t.Logf("T20 %s: %d messages of 0 to %d bytes, %d MiB, in order", w.scheme, senders*messages, most, bytes>>20)
	})
}

// relayed returns a URL by which e is reached through a relay, where e has an address of the kernel's, else its own.
func relayed(t *testing.T, e *spry.Endpoint) string {
	t.Helper()
	target, url := e.Addr(), e.URL()
	var l net.Listener
	var err error
	switch {
	case strings.Contains(url, "ipc://"):
		dir, err := os.MkdirTemp("", "spry")
		testkit.Check(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		scheme, path, _ := strings.Cut(url, "://")
		if l, err = net.Listen("unix", filepath.Join(dir, "relay")); err != nil {
			t.Fatal(err)
		}
		target = &net.UnixAddr{Name: path, Net: "unix"}
		url = scheme + "://" + l.Addr().String()
	case strings.Contains(url, "tcp://"), strings.Contains(url, "ws://"), strings.Contains(url, "wss://"):
		l, err = net.Listen("tcp", "127.0.0.1:0")
		testkit.Check(t, err)
		url = strings.Replace(url, target.String(), l.Addr().String(), 1)
	default:
		return url // within the process there is no stream to be cut
	}
	var relaying sync.WaitGroup
	relaying.Go(func() {
		for seed := uint64(1); ; seed++ {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial(target.Network(), target.String())
			if err != nil {
				_ = near.Close()
				continue
			}
			for i, way := range [][2]net.Conn{{near, far}, {far, near}} {
				relaying.Go(func() { slice(way[1], way[0], rand.New(rand.NewPCG(seed, uint64(i)))) })
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		relaying.Wait()
	})
	return url
}

// slice copies a stream in pieces of random sizes, many of them a few bytes, and hands its end on.
func slice(to, from net.Conn, random *rand.Rand) {
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf[:1+random.IntN(1<<random.IntN(17))])
		for piece := buf[:n]; len(piece) > 0; {
			k := min(len(piece), 1+random.IntN(1<<random.IntN(17)))
			if _, werr := to.Write(piece[:k]); werr != nil {
				return
			}
			piece = piece[k:]
		}
		if err != nil {
			if half, ok := to.(interface{ CloseWrite() error }); ok && errors.Is(err, io.EOF) {
				_ = half.CloseWrite()
			} else {
				_ = to.Close()
			}
			return
		}
	}
}

// The relay itself loses nothing, and cuts.
func TestRelaySlices(t *testing.T) {
	leak.Check(t)
	a, b := net.Pipe()
	c, d := net.Pipe()
	go slice(c, b, rand.New(rand.NewPCG(1, 2)))
	go func() {
		_, _ = a.Write(make([]byte, 100_000))
		_ = a.Close()
	}()
	got, reads := 0, 0
	buf := make([]byte, 1<<17)
	for {
		n, err := d.Read(buf)
		if got += n; err != nil {
			break
		}
		reads++
	}
	_ = d.Close()
	if got != 100_000 || reads < 10 {
		t.Errorf("%d bytes came in %d pieces", got, reads)
	}
}

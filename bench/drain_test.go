// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/pub"
	"go.nanomsg.org/mangos/v3/protocol/push"
	"go.nanomsg.org/mangos/v3/protocol/req"

	"github.com/sprymq/spry"
)

// drainMessages is how many messages mangos sends while a receiver drains, drainSize their size in bytes, and drainAfter how many
// come before.
const (
	drainMessages = 10_000
	drainSize     = 1024
	drainAfter    = 500
)

// patience bounds every wait. It is generous: it tells a hang from a slow machine, and asserts nothing.
const patience = time.Minute

// A drainable is a socket of Spry's that can be drained.
type drainable interface {
	Connect(url string) (*spry.Endpoint, error)
	Listen(ctx context.Context, url string) (*spry.Endpoint, error)
	WaitPipes(ctx context.Context, n int) error
	Drain(ctx context.Context) (spry.DrainReport, error)
	Close() error
}

// withMangos runs a test over tcp and ipc, with either side listening.
func withMangos(t *testing.T, test func(t *testing.T, join func(foreign mangos.Socket, s drainable))) {
	for _, scheme := range []string{"tcp", "ipc"} {
		for _, spryListens := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, spry listens %v", scheme, spryListens), func(t *testing.T) {
				var url string // of mangos, when it listens
				test(t, func(foreign mangos.Socket, s drainable) {
					t.Helper()
					switch {
					case spryListens:
						e, err := s.Listen(t.Context(), freshURL(t, scheme))
						succeed(t, err)
						succeed(t, foreign.Dial(e.URL()))
					case url == "":
						url = freshURL(t, scheme)
						succeed(t, foreign.Listen(url))
						fallthrough
					default:
						_, err := s.Connect(url)
						succeed(t, err)
					}
					succeed(t, s.WaitPipes(watched(t), 1))
					t.Cleanup(func() { s.Close() })
				})
			})
		}
	}
}

func watched(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func succeed(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freshURL is an address at which nobody listens.
func freshURL(t *testing.T, scheme string) string {
	t.Helper()
	if scheme == "ipc" {
		dir, err := os.MkdirTemp("", "spry") // not t.TempDir: the paths of sockets must be short
		succeed(t, err)
		t.Cleanup(func() { os.RemoveAll(dir) })
		return "ipc://" + filepath.Join(dir, "s")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	succeed(t, err)
	defer l.Close()
	return "tcp://" + l.Addr().String()
}

// mangosSender opens a socket of mangos.
func mangosSender(t *testing.T, open func() (mangos.Socket, error)) mangos.Socket {
	t.Helper()
	s, err := open()
	succeed(t, err)
	t.Cleanup(func() { s.Close() })
	succeed(t, s.SetOption(mangos.OptionReconnectTime, 10*time.Millisecond))
	return s
}

func numbered(i int) []byte {
	b := make([]byte, drainSize)
	binary.BigEndian.PutUint32(b, uint32(i))
	return b
}

func numberOf(b []byte) int { return int(binary.BigEndian.Uint32(b)) }

// drainedToTheEnd drains a socket and checks that nothing is left.
func drainedToTheEnd(t *testing.T, s drainable) {
	t.Helper()
	r, err := s.Drain(watched(t))
	if err != nil || r.Left > 0 || r.Unanswered > 0 || r.Cut > 0 {
		t.Errorf("Drain: %+v, %v", r, err)
	}
}

// endedByPeer checks that a connection was read to its end, which may be in the middle of a message: no reset made a kernel
// discard anything.
func endedByPeer(t *testing.T, p *spry.Pipe) {
	t.Helper()
	if err := p.Err(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the connection ended with %v", err)
	}
}

// TestDrainWithMangosSenders drains one of two receivers of a PUSH at work. All that mangos gave to its kernel is delivered; the
// log says how many messages it discarded itself.
func TestDrainWithMangosSenders(t *testing.T) {
	withMangos(t, func(t *testing.T, join func(mangos.Socket, drainable)) {
		sender := mangosSender(t, push.NewSocket)
		leaver, stayer := spry.NewPull(nil), spry.NewPull(nil)
		join(sender, leaver)
		join(sender, stayer)
		var seen [drainMessages]int
		var last, drained, stayed int
		var sending, receiving, draining sync.WaitGroup
		left := make(chan struct{})
		sending.Go(func() {
			for i := range drainMessages {
				if err := sender.Send(numbered(i)); err != nil {
					t.Errorf("send: %v", err)
					return
				}
			}
			<-left
			if err := sender.Send(numbered(drainMessages)); err != nil { // to the one that stayed, after all others
				t.Errorf("send: %v", err)
			}
		})
		var rest []int
		receiving.Go(func() {
			for m, err := range stayer.Messages(watched(t)) {
				if err != nil || numberOf(m.Bytes()) == drainMessages {
					break
				}
				rest = append(rest, numberOf(m.Bytes()))
			}
		})
		var pipe *spry.Pipe
		for m, err := range leaver.Messages(watched(t)) {
			succeed(t, err)
			last, pipe = numberOf(m.Bytes()), m.Pipe()
			seen[last]++
			if drained++; drained == drainAfter {
				draining.Go(func() { drainedToTheEnd(t, leaver) })
			}
		}
		draining.Wait()
		endedByPeer(t, pipe)
		close(left)
		sending.Wait()
		receiving.Wait()
		for _, i := range rest {
			seen[i]++
			stayed++
		}
		missing := 0
		for i, n := range seen {
			if n == 0 {
				missing++
			}
			if n > 1 || n == 0 && i < last {
				t.Errorf("message %d came %d times; the last one by the connection that ended was %d", i, n, last)
			}
		}
		t.Logf("of %d messages %d came by the one that drained, %d by the other, and %d are missing", drainMessages, drained, stayed, missing)
	})
}

// TestDrainWithMangosPublishers drains a subscriber of a PUB at work: what comes has no gap.
func TestDrainWithMangosPublishers(t *testing.T) {
	withMangos(t, func(t *testing.T, join func(mangos.Socket, drainable)) {
		sender := mangosSender(t, pub.NewSocket)
		succeed(t, sender.SetOption(mangos.OptionWriteQLen, drainMessages))
		leaver := spry.NewSub(&spry.SubOptions{Overflow: spry.Block})
		succeed(t, leaver.Subscribe(""))
		join(sender, leaver)
		var sending, draining sync.WaitGroup
		sending.Go(func() {
			for i := range drainMessages {
				if err := sender.Send(numbered(i)); err != nil {
					t.Errorf("send: %v", err)
				}
			}
		})
		got, first := 0, -1
		var pipe *spry.Pipe
		for m, err := range leaver.Messages(watched(t)) {
			succeed(t, err)
			pipe = m.Pipe()
			if first < 0 {
				first = numberOf(m.Bytes()) // mangos may have got to know its subscriber late
			}
			if n := numberOf(m.Bytes()); n != first+got {
				t.Fatalf("message %d instead of %d", n, first+got)
			}
			if got++; got == drainAfter {
				draining.Go(func() { drainedToTheEnd(t, leaver) })
			}
		}
		draining.Wait()
		endedByPeer(t, pipe)
		sending.Wait()
	})
}

// TestDrainWithMangosRequests drains one of two services of a REQ with many requests at a time: each is answered, by one or the
// other.
func TestDrainWithMangosRequests(t *testing.T) {
	withMangos(t, func(t *testing.T, join func(mangos.Socket, drainable)) {
		client := mangosSender(t, req.NewSocket)
		leaver, stayer := spry.NewRep(nil), spry.NewRep(nil)
		join(client, leaver)
		join(client, stayer)
		var handled atomic.Int64
		var serving, draining, asking sync.WaitGroup
		for _, rep := range []*spry.Rep{leaver, stayer} {
			serving.Go(func() {
				err := rep.Serve(watched(t), 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
					if rep == leaver && handled.Add(1) == drainAfter/10 {
						draining.Go(func() { drainedToTheEnd(t, leaver) })
					}
					if err := r.Reply(ctx, r.Bytes()); err != nil && (rep == stayer || !errors.Is(err, spry.ErrPipeClosed)) {
						t.Errorf("reply: %v", err)
					}
				}))
				if err != nil {
					t.Errorf("handle: %v", err)
				}
			})
		}
		const callers = 20
		for caller := range callers {
			asking.Go(func() {
				c, err := client.OpenContext()
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				for i := caller; i < drainMessages/10; i += callers {
					if err := c.Send(numbered(i)); err != nil {
						t.Errorf("request %d: %v", i, err)
						return
					}
					if got, err := c.Recv(); err != nil || numberOf(got) != i {
						t.Errorf("request %d: %v", i, err)
						return
					}
				}
			})
		}
		asking.Wait()
		draining.Wait()
		succeed(t, errors.Join(leaver.Close(), stayer.Close()))
		serving.Wait()
		t.Logf("the one that drained executed %d of %d requests", handled.Load(), drainMessages/10)
	})
}

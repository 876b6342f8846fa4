// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// Limits of queues in bytes bound memory: whatever peers send, filtered, expired, unknown or empty, the heap that a socket's
// queues keep is at most twice what their messages are charged, and one read chunk for each.

const (
	memoryLimit = 1 << 20   // of each queue
	memoryChunk = 256 << 10 // what a busy connection reads at a time
	memorySlack = 128 << 10 // what the runtime and a connection take beside
)

// memorySent is how much a peer sends to each queue.
func memorySent() int { return testkit.Figure(12, 256) << 20 }

// A hoarder is a socket that a peer sends much to and that does not receive.
type hoarder struct {
	name   string
	schema string // of the peer: "sp" or "zmtp"
	peer   spry.Protocol
	kind   string // the peer's type, of ZeroMQ
	open   func(t *testing.T) (s testkit.Socket, queues int)
	wanted int                     // messages of a block that are received, at most
	block  func(typed bool) []byte // what the peer sends again and again; the last message of it is received
}

func memoryOptions() spry.Options { return spry.Options{RecvQueueBytes: memoryLimit} }

// blockOf is at least 128 KiB of rest, and then first: one message of a chunk is wanted.
func blockOf(first, rest []byte) []byte {
	return append(bytes.Repeat(rest, 1+(128<<10)/len(rest)), first...)
}

// spBlock is a wanted message among others.
func spBlock(wanted, other string) func(bool) []byte {
	return func(typed bool) []byte {
		return blockOf(testkit.Frame(typed, []byte(wanted)), testkit.Frame(typed, []byte(other)))
	}
}

// unknownCommands is a message behind commands that nobody knows.
func unknownCommands(message string) func(bool) []byte {
	return func(bool) []byte {
		return blockOf([]byte(message), []byte(testkit.Command("FOO", strings.Repeat("x", 240))))
	}
}

// empties is a message of n empty frames.
func empties(n int) func(bool) []byte {
	return func(bool) []byte {
		return bytes.Repeat([]byte(strings.Repeat(testkit.ShortFrame("\x01", ""), n-1)+testkit.ShortFrame("\x00", "")), 8)
	}
}

const (
	request  = "\x80\x00\x00\x01"
	wordHops = "\x00\x00\x00\x01"
)

// spHoarders are the sockets that drop part of what a peer of the Scalability Protocols sends.
func spHoarders() []hoarder {
	filtered := spBlock("a", strings.Repeat("b", 2000))
	expired := spBlock(request+"a", strings.Repeat(wordHops, 10)+request+strings.Repeat("b", 2000))
	return []hoarder{
		{"Sub, filtered", "sp", spry.ProtocolPub, "", func(t *testing.T) (testkit.Socket, int) {
			s := spry.NewSub(&spry.SubOptions{Options: memoryOptions()})
			testkit.Check(t, s.Subscribe("a"))
			return s, 1
		}, 1, filtered},
		{"Sub that blocks, filtered", "sp", spry.ProtocolPub, "", func(t *testing.T) (testkit.Socket, int) {
			s := spry.NewSub(&spry.SubOptions{Overflow: spry.Block, Options: memoryOptions()})
			testkit.Check(t, s.Subscribe("a"))
			return s, 1
		}, 1, filtered},
		{"Sub, two subscriptions, default limits, 1 of 100", "sp", spry.ProtocolPub, "", func(t *testing.T) (testkit.Socket, int) {
			s := spry.NewSub(nil)
			testkit.Check(t, s.Subscribe("a"))
			s.Open("a")
			return s, 2
		}, 2, func(typed bool) []byte {
			return append(bytes.Repeat(testkit.Frame(typed, bytes.Repeat([]byte("b"), 2000)), 99), testkit.Frame(typed, bytes.Repeat([]byte("a"), 2000))...)
		}},
		{"Rep, expired", "sp", spry.ProtocolReq, "", func(*testing.T) (testkit.Socket, int) {
			return spry.NewRep(&spry.RepOptions{Options: memoryOptions()}), 1
		}, 1, expired},
		{"Respondent, expired", "sp", spry.ProtocolSurveyor, "", func(*testing.T) (testkit.Socket, int) {
			return spry.NewRespondent(&spry.RespondentOptions{Options: memoryOptions()}), 1
		}, 1, expired},
		{"Raw Rep, expired", "sp", spry.ProtocolReq, "", func(t *testing.T) (testkit.Socket, int) {
			o := memoryOptions()
			s, err := spry.NewRaw(spry.ProtocolRep, &o)
			testkit.Check(t, err)
			return s, 1
		}, 1, expired},
		{"PairPoly, expired", "sp", spry.ProtocolPair1, "", func(*testing.T) (testkit.Socket, int) {
			return spry.NewPairPoly(&spry.PairOptions{Options: memoryOptions()}), 1
		}, 1, spBlock("\x00\x00\x00\x01a", "\x00\x00\x00\x63"+strings.Repeat("b", 2000))},
		{"Pull, empty", "sp", spry.ProtocolPush, "", func(*testing.T) (testkit.Socket, int) {
			o := memoryOptions()
			o.RecvQueue = 1 << 20
			return spry.NewPull(&spry.PullOptions{Options: o}), 1
		}, 2 + (128<<10)/8, spBlock("", "")},
	}
}

// zmtpHoarders are the sockets that a ZeroMQ peer sends commands and frames to.
func zmtpHoarders() []hoarder {
	x, frames := testkit.ShortFrame("\x00", "x"), empties(4096)
	pull := func(*testing.T) (testkit.Socket, int) {
		return spry.NewPull(&spry.PullOptions{Options: memoryOptions()}), 1
	}
	router := func(*testing.T) (testkit.Socket, int) {
		return zmq.NewRouter(&zmq.RouterOptions{Options: memoryOptions()}), 1
	}
	return []hoarder{
		{"Pull, unknown commands", "zmtp", 0, "PUSH", pull, 1, unknownCommands(x)},
		{"zmq.Pull, unknown commands", "zmtp", 0, "PUSH", func(*testing.T) (testkit.Socket, int) {
			return zmq.NewPull(&zmq.PullOptions{Options: memoryOptions()}), 1
		}, 1, unknownCommands(testkit.ShortFrame("\x01", "x") + testkit.ShortFrame("\x01", "y") + testkit.ShortFrame("\x00", "z"))},
		{"zmq.Pull, empty frames", "zmtp", 0, "PUSH", func(*testing.T) (testkit.Socket, int) {
			return zmq.NewPull(&zmq.PullOptions{Options: memoryOptions()}), 1
		}, 8, frames},
		{"Router, unknown commands", "zmtp", 0, "DEALER", router, 1, unknownCommands(testkit.ShortFrame("\x01", "x") + testkit.ShortFrame("\x00", "y"))},
		{"Router, empty frames", "zmtp", 0, "DEALER", router, 8, frames},
		{"Rep, unknown commands", "zmtp", 0, "REQ", func(*testing.T) (testkit.Socket, int) {
			return spry.NewRep(&spry.RepOptions{Options: memoryOptions()}), 1
		}, 1, unknownCommands(testkit.ShortFrame("\x01", "") + testkit.ShortFrame("\x00", "x"))},
		{"Server, unknown commands", "zmtp", 0, "CLIENT", func(*testing.T) (testkit.Socket, int) {
			o := memoryOptions()
			return zmq.NewServer(&o), 1
		}, 1, unknownCommands(x)},
		{"XPub, unknown commands", "zmtp", 0, "XSUB", func(*testing.T) (testkit.Socket, int) {
			return zmq.NewXPub(&zmq.XPubOptions{Options: memoryOptions()}), 1
		}, 1, unknownCommands(testkit.ShortFrame("\x00", "\x07x"))},
		{"Dish, other groups", "zmtp", 0, "RADIO", func(t *testing.T) (testkit.Socket, int) {
			s := zmq.NewDish(&zmq.DishOptions{Options: memoryOptions()})
			testkit.Check(t, s.Join("a"))
			return s, 1
		}, 1, func(bool) []byte {
			return blockOf([]byte(testkit.ShortFrame("\x01", "a")+x), []byte(testkit.ShortFrame("\x01", "b")+testkit.ShortFrame("\x00", strings.Repeat("b", 250))))
		}},
		{"zmq.Sub, 1 of 100", "zmtp", 0, "PUB", func(t *testing.T) (testkit.Socket, int) {
			s := zmq.NewSub(&zmq.SubOptions{Options: memoryOptions()})
			testkit.Check(t, s.Subscribe("a"))
			return s, 1
		}, 1, func(bool) []byte {
			other := testkit.LongFrame(0, 2000, strings.Repeat("b", 2000))
			return []byte(strings.Repeat(other, 99) + testkit.ShortFrame("\x01", "a") + testkit.LongFrame(0, 2000, strings.Repeat("c", 2000)))
		}},
	}
}

// TestMemoryOfReceivedMessages has peers that listen and peers that dial send much of which little is received.
func TestMemoryOfReceivedMessages(t *testing.T) {
	for _, h := range append(spHoarders(), zmtpHoarders()...) {
		t.Run(h.name, func(t *testing.T) {
			for _, scheme := range []string{"tcp", "ipc", "tls+tcp"} {
				for _, listening := range []bool{true, false} {
					if scheme == "tls+tcp" && !listening && !testkit.Long {
						continue
					}
					if h.schema == "zmtp" {
						scheme = "zmtp+" + strings.TrimPrefix(scheme, "zmtp+")
					}
					t.Run(scheme+role(listening), func(t *testing.T) { h.test(t, scheme, listening) })
				}
			}
		})
	}
}

func role(listening bool) string {
	if listening {
		return "/listening"
	}
	return "/dialing"
}

func (h hoarder) test(t *testing.T, scheme string, listening bool) {
	leak.Check(t)
	s, queues := h.open(t)
	defer s.Close()
	peer := h.connect(t, s, scheme, listening)
	block := h.block(peer.Typed)
	total := memorySent() / len(block) * len(block)
	before := testkit.Heap()
	written := make(chan struct{})
	go func() {
		defer close(written)
		for n := 0; n < total; n += len(block) {
			if _, err := peer.Write(block); err != nil {
				return // the test is over
			}
		}
	}()
	testkit.Eventually(t, "all was received, or a queue is full", func() bool {
		st := s.Stats().Recv
		return st.Arrived-st.Dropped["ttl"] >= uint64(total/len(block)*h.wanted) || st.QueuedBytes > int64(queues)*memoryLimit*7/8
	})
	var st spry.RecvStats
	var bound int64
	grown := grownWithin(before, func() int64 { // a queue that is not full yet goes on growing
		st = s.Stats().Recv
		bound = 2*st.QueuedBytes + int64(queues)*memoryChunk + memorySlack
		return bound
	})
	if st.Queued == 0 || grown > bound {
		t.Errorf("%d of %d bytes: %d messages are charged %d bytes and take %d, more than %d", st.Bytes, total, st.Queued, st.QueuedBytes, grown, bound)
	}
	t.Logf("%d MiB sent, %d messages are charged %d KiB, heap %+d KiB", st.Bytes>>20, st.Queued, st.QueuedBytes>>10, grown>>10)
	testkit.Check(t, s.Close())
	_ = peer.Close()
	<-written
}

// grownWithin returns by how much the heap has grown since it was before. If that is more than the bound, it waits: what is about to
// be let go of goes.
func grownWithin(before uint64, bound func() int64) (grown int64) {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if grown = int64(testkit.Heap()) - int64(before); grown <= bound() || time.Now().After(end) {
			return grown
		}
	}
}

// connect connects the socket with a peer, which reads nothing.
func (h hoarder) connect(t *testing.T, s testkit.Socket, scheme string, listening bool) *testkit.Bare {
	t.Helper()
	var peer *testkit.Bare
	if listening {
		peer = testkit.BareTo(t, testkit.ListenOn(t, s, scheme))
	} else {
		peer = bareFrom(t, s, scheme)
	}
	if h.schema == "zmtp" {
		peer.ShakeZMTP(t, h.kind)
	} else {
		peer.Shake(t, h.peer)
	}
	testkit.Check(t, s.WaitPipes(testkit.Watchdog(t), 1))
	return peer
}

// bareFrom has s dial a bare peer.
func bareFrom(t testing.TB, s testkit.Socket, scheme string) *testkit.Bare {
	t.Helper()
	network, address := "tcp", testkit.Host+":0"
	if strings.HasSuffix(scheme, "ipc") {
		network, address = "unix", filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	testkit.Check(t, err)
	defer l.Close()
	server, client := testkit.Certificates()
	if strings.HasSuffix(scheme, "tls+tcp") {
		l = tls.NewListener(l, server)
	}
	_, err = s.DialWith(context.Background(), &spry.DialConfig{URL: scheme + "://" + l.Addr().String(), TLS: client, Background: true})
	testkit.Check(t, err)
	c, err := l.Accept()
	testkit.Check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return &testkit.Bare{Conn: c, Typed: scheme == "ipc"}
}

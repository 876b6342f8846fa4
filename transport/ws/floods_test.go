// SPDX-License-Identifier: MIT

package ws_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/wsframe"
)

// T38: a peer that reads nothing sends pings for ever. One pong waits to be written and one is due, whatever was sent, and a
// message behind the pings arrives.
func TestPingFloodOfAPeerThatDoesNotRead(t *testing.T) {
	leak.Check(t)
	for _, scheme := range []string{"ws", "zmtp+ws"} {
		pull := spry.NewPull(&spry.PullOptions{Options: options()})
		begin, flags := "", ""
		if scheme == "zmtp+ws" {
			begin, flags = serverFrame(wsframe.Binary, "\x02"+testkit.ReadyAs("PUSH")[2:]), "\x00"
		}
		var client *browser
		b := testkit.WebSocketTo(t, pull, scheme, func(b *testkit.Bare) {
			if client = (&browser{b.Conn, bufio.NewReader(b)}); begin != "" {
				b.Say(t, []byte(begin))
				_ = client.maskedFrame(t) // its READY
			}
		})
		pings := testkit.Figure(100_000, 1_000_000)
		block := []byte(strings.Repeat(serverFrame(wsframe.Ping, strings.Repeat("p", wsframe.MaxControl)), 100))
		b.Say(t, block)
		goroutines, before := runtime.NumGoroutine(), testkit.Heap()
		for range pings/100 - 1 {
			b.Say(t, block)
		}
		if grown := int64(testkit.Heap() - before); grown > 64<<10 || runtime.NumGoroutine() > goroutines+1 {
			t.Errorf("%d pings take %d bytes and %d goroutines more", pings, grown, runtime.NumGoroutine()-goroutines)
		}
		b.Say(t, []byte(serverFrame(wsframe.Ping, "the latest")+serverFrame(wsframe.Binary, flags+"after the flood")))
		if got, err := pull.Recv(testkit.Watchdog(t)); err != nil || string(got) != "after the flood" {
			t.Fatalf("%q, %v", got, err)
		}
		pongs := 1
		for client.maskedFrame(t) != "the latest" {
			pongs++
		}
		if pongs > 3 {
			t.Errorf("%d pongs answer %d pings", pongs, pings)
		}
		t.Logf("T38 %s: %d pongs answer %d pings", scheme, pongs, pings)
		_ = b.Close()
		testkit.Check(t, pull.Close())
	}
}

// serverFrame is a frame without a mask.
func serverFrame(op wsframe.Opcode, payload string) string {
	return string(wsframe.AppendHeader(nil, wsframe.Header{Opcode: op, Final: true, Length: int64(len(payload))})) + payload
}

// maskedFrame reads a short frame of a client, and returns its payload.
func (b *browser) maskedFrame(t *testing.T) string {
	t.Helper()
	head := make([]byte, 6)
	_, err := io.ReadFull(b.in, head)
	testkit.Check(t, err)
	h, _, err := wsframe.ParseHeader(head, true)
	testkit.Check(t, err)
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(b.in, payload)
	testkit.Check(t, err)
	wsframe.Mask(h.Key, 0, payload)
	return string(payload)
}

// Fragments of one byte cost the memory of their bytes.
func TestFragmentFlood(t *testing.T) {
	leak.Check(t)
	pull := spry.NewPull(&spry.PullOptions{Options: options()})
	testkit.CloseAll(t, pull)
	b := testkit.WebSocketTo(t, pull, "ws", func(*testkit.Bare) {})
	b.Say(t, []byte{byte(wsframe.Binary), 1, 'x'})
	before := testkit.Heap()
	const blocks, fragments = 100, 1000
	block := []byte(strings.Repeat("\x00\x01y", fragments))
	for range blocks {
		b.Say(t, block)
	}
	if grown := int64(testkit.Heap() - before); grown > 2*blocks*fragments+64<<10 {
		t.Errorf("%d fragments of a byte take %d bytes", blocks*fragments, grown)
	}
	b.Say(t, []byte("\x80\x01z"))
	if got, err := pull.Recv(testkit.Watchdog(t)); err != nil || len(got) != 2+blocks*fragments {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// Heads of requests that never end, in as many headers as they have room for, cost little more than their bytes.
func TestHeadBombs(t *testing.T) {
	const peers = 50
	pull, e := pulling(t, options())
	var head strings.Builder
	head.WriteString("GET / HTTP/1.1\r\n")
	for i := 0; head.Len() < 16000; i++ {
		fmt.Fprintf(&head, "%x:\r\n", i)
	}
	before := testkit.Heap()
	var conns []net.Conn
	for range peers {
		c, err := net.Dial("tcp", e.Addr().String())
		testkit.Check(t, err)
		_, err = io.WriteString(c, head.String())
		testkit.Check(t, err)
		conns = append(conns, c)
	}
	most := int64(0)
	for range 10 { // while they are read
		most = max(most, int64(testkit.Heap()-before)/peers)
	}
	if most > 2*int64(head.Len())+8<<10 {
		t.Errorf("a head of %d bytes takes %d", head.Len(), most)
	}
	for _, c := range conns { // the rest, which is too much
		_, _ = io.WriteString(c, head.String())
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
	}
	testkit.Eventually(t, "all are counted", func() bool { return pull.Stats().Rejected["bad_header"] == peers })
	t.Logf("T03: a head of %d bytes takes %d", head.Len(), most)
}

// Peers come and go in all ways at once, while a good client works: nothing of them is left, and each is counted.
func TestCloseStorm(t *testing.T) {
	pull, e := pulling(t, options())
	push := spry.NewPush(&spry.PushOptions{Options: options()})
	testkit.CloseAll(t, push)
	testkit.DialTo(t, push, e)
	ctx := testkit.Watchdog(t)
	goroutines := runtime.NumGoroutine()
	const good = 2000
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range testkit.Figure(40, 2000) {
				stormy(t, e)
			}
		})
	}
	all.Go(func() {
		for i := range good {
			testkit.Check(t, push.Send(ctx, fmt.Appendf(nil, "%d", i)))
		}
	})
	for i := range good {
		if got, err := pull.Recv(ctx); err != nil || string(got) != fmt.Sprint(i) {
			t.Fatalf("message %d of the good client is %q, %v", i, got, err)
		}
	}
	all.Wait()
	testkit.Eventually(t, "only the good client is left", func() bool {
		return len(slices.Collect(pull.Pipes())) == 1 && runtime.NumGoroutine() <= goroutines
	})
	st := pull.Stats()
	if why := testkit.Unbalanced(st); why != "" || st.Panics != 0 || st.Recv.Delivered != good {
		t.Errorf("%s, %+v", why, st)
	}
}

// stormy connects, goes as far as it likes, and leaves in one of several ways.
func stormy(t *testing.T, e *spry.Endpoint) {
	c, err := net.Dial("tcp", e.Addr().String())
	testkit.Check(t, err)
	defer c.Close()
	request := testkit.WebSocketRequest("pull.sp.nanomsg.org")
	switch way := rand.IntN(8); way {
	case 0:
	case 1:
		_, _ = io.WriteString(c, request[:rand.IntN(len(request))])
	default:
		_, _ = io.WriteString(c, request)
		bye := []string{
			"", testkit.WebSocketFrame(wsframe.Close, true, "\x03\xe8"), testkit.WebSocketFrame(wsframe.Close, true, "\x03\xeaoops"),
			testkit.WebSocketFrame(wsframe.Ping, true, "x") + testkit.WebSocketFrame(wsframe.Close, true, ""), testkit.WebSocketFrame(wsframe.Text, true, "x"), "\xff\xff",
		}[way-2]
		_, _ = io.WriteString(c, bye)
	}
	switch rand.IntN(3) {
	case 0:
		_ = c.(*net.TCPConn).SetLinger(0)
	case 1:
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
	}
}

// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A malformed class is something that a peer does wrong, or unusually, and how it must end.
type malformed struct {
	name   string
	below  bool // on a TLS listener, speak without TLS
	reason spry.Reason
	kind   spry.EventKind // how it is told
	bodies int            // messages of the peer that must be delivered all the same
	do     func(t testing.TB, b *testkit.Bare)
}

const malformedLimit = 1000

// malformedClasses are the classes of an SP stream, for a PULL that takes messages of malformedLimit bytes.
func malformedClasses(scheme string) []malformed {
	const rejected, down = spry.EventReject, spry.EventPipeDown
	push := testkit.Header(spry.ProtocolPush)
	begin := func(bytes ...byte) func(testing.TB, *testkit.Bare) {
		return func(t testing.TB, b *testkit.Bare) { b.Say(t, bytes) }
	}
	edit := func(at int, to byte) func(testing.TB, *testkit.Bare) {
		h := append([]byte(nil), push...)
		h[at] = to
		return begin(h...)
	}
	announce := func(length uint64) func(testing.TB, *testkit.Bare) {
		return func(t testing.TB, b *testkit.Bare) {
			b.Shake(t, spry.ProtocolPush)
			b.Say(t, testkit.FrameHead(b.Typed, length))
		}
	}
	cs := []malformed{
		{name: "1 nothing", reason: "timeout", kind: rejected, below: true, do: begin()},
		{name: "1 nothing, then the end", reason: "early_eof", kind: rejected, do: closeWrite},
		{name: "3 trickle", reason: "timeout", kind: rejected, do: trickle},
		{name: "4 wrong first byte", reason: "bad_header", kind: rejected, do: edit(0, 1)},
		{name: "5 HTTP", reason: "bad_header", kind: rejected, do: begin([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")...)},
		{name: "7 version 1", reason: "version", kind: rejected, do: edit(3, 1)},
		{name: "9 reserved bytes", reason: "reserved", kind: rejected, do: edit(6, 1)},
		{name: "9 reserved bytes, the last", reason: "reserved", kind: rejected, do: edit(7, 0x80)},
		{name: "10 role mismatch", reason: "role_mismatch", kind: rejected, do: begin(testkit.Header(spry.ProtocolPull)...)},
		{name: "11 unknown protocol", reason: "unknown_protocol", kind: rejected, do: begin(testkit.Header(0x7fff)...)},
		{name: "12 header twice", reason: "oversize", kind: down, do: begin(append(push, push...)...)},
		{name: "13 length 2^63", reason: "oversize", kind: down, do: announce(1 << 63)},
		{name: "13 length 2^64-1", reason: "oversize", kind: down, do: announce(1<<64 - 1)},
		{name: "14 limit+1", reason: "oversize", kind: down, do: announce(malformedLimit + 1)},
		{name: "15 reset after header", reason: "io", kind: down, do: reset},
		{name: "16 FIN after header", reason: "eof", kind: down, bodies: 3, do: halfClose},
		{name: "18 early data", reason: "eof", kind: down, bodies: 2, do: earlyData},
	}
	for k := 1; k < 8; k++ {
		cs = append(cs, malformed{name: fmt.Sprintf("2 silence after %d bytes", k), reason: "timeout", kind: rejected, do: begin(push[:k]...)})
	}
	for v := 2; v < 256; v++ {
		cs = append(cs, malformed{name: fmt.Sprintf("8 version %d", v), reason: "version", kind: rejected, do: edit(3, byte(v))})
	}
	if scheme == "ipc" {
		for i := range cs {
			if strings.HasPrefix(cs[i].name, "12 ") {
				cs[i].reason = "frame_type" // a header begins with 0
			}
		}
		cs = append(cs, malformed{name: "17 frame type 0", reason: "frame_type", kind: down, do: frameType(0)},
			malformed{name: "17 frame type 2", reason: "frame_type", kind: down, do: frameType(2)})
	}
	if scheme == "tls+tcp" {
		cs = append(cs, malformed{name: "4 plain SP on a TLS listener", below: true, reason: "security", kind: rejected, do: begin(push...)})
	} else {
		cs = append(cs, malformed{name: "6 TLS on a plain listener", reason: "bad_header", kind: rejected, do: tlsHello})
	}
	return cs
}

func closeWrite(t testing.TB, b *testkit.Bare) {
	if c, ok := b.Conn.(*tls.Conn); ok {
		testkit.Check(t, c.Handshake())
	}
	testkit.Check(t, b.Conn.(interface{ CloseWrite() error }).CloseWrite())
}

// trickle never pauses for as long as the time that a handshake may take, which counts as a whole.
func trickle(t testing.TB, b *testkit.Bare) {
	for _, c := range testkit.Header(spry.ProtocolPush) {
		if _, err := b.Write([]byte{c}); err != nil {
			return
		}
		time.Sleep(malformedTimeout / 3)
	}
}

func reset(t testing.TB, b *testkit.Bare) {
	b.Shake(t, spry.ProtocolPush)
	c := b.Conn
	if over, ok := c.(*tls.Conn); ok {
		c = over.NetConn()
	}
	switch c := c.(type) {
	case *net.TCPConn:
		testkit.Check(t, c.SetLinger(0))
		testkit.Check(t, c.Close())
	case *net.UnixConn:
		b.Say(t, testkit.FrameHead(true, 10)) // a unix socket has no reset; half a frame is the nearest
		testkit.Check(t, c.Close())
	}
}

func halfClose(t testing.TB, b *testkit.Bare) {
	b.Shake(t, spry.ProtocolPush)
	for range 3 {
		b.Say(t, testkit.Frame(b.Typed, []byte("bad but legal")))
	}
	closeWrite(t, b)
}

func earlyData(t testing.TB, b *testkit.Bare) {
	all := testkit.Header(spry.ProtocolPush)
	for range 2 {
		all = append(all, testkit.Frame(b.Typed, []byte("bad but early"))...)
	}
	b.Say(t, all)
	b.Hear(t)
	closeWrite(t, b)
}

func frameType(kind byte) func(testing.TB, *testkit.Bare) {
	return func(t testing.TB, b *testkit.Bare) {
		b.Shake(t, spry.ProtocolPush)
		f := testkit.Frame(true, []byte("x"))
		f[0] = kind
		b.Say(t, f)
	}
}

func tlsHello(t testing.TB, b *testkit.Bare) {
	if err := tls.Client(b.Conn, &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("a plain listener did a TLS handshake")
	}
}

// malformedTimeout is the listener's HandshakeTimeout.
const malformedTimeout = 2 * time.Second

// T03: peers that break the protocol are each refused for their reason, while good clients lose nothing.
func TestMalformedStreamsAreRefused(t *testing.T) {
	leak.Check(t)
	for _, scheme := range []string{"tcp", "ipc", "tls+tcp"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel() // it waits for timeouts
			testMalformed(t, scheme)
		})
	}
}

func testMalformed(t *testing.T, scheme string) {
	ctx, stop := context.WithCancel(testkit.Watchdog(t))
	defer stop()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{HandshakeTimeout: malformedTimeout, MaxMessageSize: malformedLimit}})
	push := spry.NewPush(nil)
	testkit.CloseAll(t, push, pull)
	seen := watch(ctx, pull)
	e := testkit.ListenOn(t, pull, scheme)
	testkit.DialTo(t, push, e)
	good := goodClients(ctx, t, pull, push)

	breaking(ctx, t, pull, e, seen, malformedClasses(scheme), good)
}

// breaking lets peers of all classes at a listener, and checks how each ends, what is counted, and that good clients lose
// nothing.
func breaking(ctx context.Context, t *testing.T, pull *spry.Pull, e *spry.Endpoint, seen *watcher, classes []malformed, good *goodStream) {
	t.Helper()
	wantRejected, wantBodies := map[spry.Reason]uint64{}, 0
	var peers sync.WaitGroup
	slots := make(chan struct{}, 16)
	for _, c := range classes {
		wantBodies += c.bodies
		if c.kind == spry.EventReject || c.reason != "io" && c.reason != "eof" { // breaches count whenever they come
			wantRejected[c.reason]++
		}
		connect := testkit.BareTo
		if c.below {
			connect = testkit.BareBelow
		}
		b := connect(t, e)
		slots <- struct{}{}
		peers.Go(func() {
			defer func() { <-slots }()
			address := b.LocalAddr().String()
			c.do(t, b)
			b.UntilClosed(t)
			got := seen.ended(ctx, address)
			if got.Kind != c.kind || got.Reason != c.reason {
				t.Errorf("%s: ended with %v, reason %q (%v); want %v, reason %q", c.name, got.Kind, got.Reason, got.Err, c.kind, c.reason)
			}
		})
	}
	peers.Wait()
	sent, received, bodies := good.finish(t)
	if received != sent {
		t.Errorf("the good clients sent %d messages and %d arrived", sent, received)
	}
	if bodies != wantBodies {
		t.Errorf("%d messages of the unusual but legal peers arrived, want %d", bodies, wantBodies)
	}
	st := pull.Stats()
	for reason, n := range wantRejected {
		if st.Rejected[reason] != n {
			t.Errorf("Rejected[%q] = %d, want %d", reason, st.Rejected[reason], n)
		}
	}
	if got, want := testkit.Sum(st.Rejected), testkit.Sum(wantRejected); got != want {
		t.Errorf("%d connections were rejected, want %d: %v", got, want, st.Rejected)
	}
	if why := testkit.Unbalanced(st); why != "" || st.Panics != 0 {
		t.Errorf("%s; %d panics", why, st.Panics)
	}
	t.Logf("T03 %s: %d malformed peers, each ended under its reason; good clients had %d of %d messages through", e.URL(), len(classes), received, sent)
}

// A watcher remembers how the connection of each peer ended.
type watcher struct {
	mu      sync.Mutex
	changed chan struct{}
	ends    map[string]spry.Event
}

func watch(ctx context.Context, s *spry.Pull) *watcher {
	w := &watcher{changed: make(chan struct{}), ends: map[string]spry.Event{}}
	events := s.Events(ctx)
	go func() {
		for v := range events {
			if v.Kind != spry.EventReject && v.Kind != spry.EventPipeDown || v.RemoteAddr == nil {
				continue
			}
			w.mu.Lock()
			w.ends[v.RemoteAddr.String()] = v
			close(w.changed)
			w.changed = make(chan struct{})
			w.mu.Unlock()
		}
	}()
	return w
}

// ended waits for the end of the connection with this peer.
func (w *watcher) ended(ctx context.Context, peer string) spry.Event {
	for {
		w.mu.Lock()
		v, ok := w.ends[peer]
		changed := w.changed
		w.mu.Unlock()
		if ok {
			return v
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return spry.Event{Err: ctx.Err()}
		}
	}
}

func TestBreachesAfterTheHandshakeAreCounted(t *testing.T) {
	pull := spry.NewPull(nil)
	defer pull.Close()
	e := testkit.ListenOn(t, pull, "tcp")
	b := testkit.BareTo(t, e)
	b.Shake(t, spry.ProtocolPush)
	b.Say(t, testkit.FrameHead(false, 1<<40))
	b.UntilClosed(t)
	testkit.Eventually(t, "the breach is counted", func() bool { return pull.Stats().Rejected["oversize"] == 1 })
}

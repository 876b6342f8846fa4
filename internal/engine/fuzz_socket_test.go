// SPDX-License-Identifier: MIT

package engine_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/stats"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
)

// A scriptedConn is a connection whose peer says what a script has, in pieces, and then ends. It takes so many bytes, and
// then breaks.
type scriptedConn struct {
	pieces [][]byte // read by one goroutine

	mu     sync.Mutex
	takes  int
	closed bool
}

var errBroken = errors.New("the connection broke")

func (c *scriptedConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	switch {
	case closed:
		return 0, net.ErrClosed
	case len(c.pieces) == 0:
		return 0, io.EOF
	}
	n := copy(p, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; len(c.pieces[0]) == 0 {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}

func (c *scriptedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	n := min(len(p), c.takes)
	c.takes -= n
	if n < len(p) {
		return n, errBroken
	}
	return n, nil
}

func (c *scriptedConn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	return nil
}

type scriptAddr struct{}

func (scriptAddr) Network() string { return "script" }
func (scriptAddr) String() string  { return "script" }

func (*scriptedConn) LocalAddr() net.Addr              { return scriptAddr{} }
func (*scriptedConn) RemoteAddr() net.Addr             { return scriptAddr{} }
func (*scriptedConn) SetDeadline(time.Time) error      { return nil }
func (*scriptedConn) SetReadDeadline(time.Time) error  { return nil }
func (*scriptedConn) SetWriteDeadline(time.Time) error { return nil }

// The ways in which a fuzzed socket is secured.
const (
	openToAll = iota
	withPlain
	withCurve
	waysToSecure
)

// feed lets a socket listen to a script. It returns how the connection ended, and the socket's figures when all is over.
func feed(t *testing.T, kind fuzzedKind, security wire.Security, c *scriptedConn) (reason reasons.Reason, st stats.Stats) {
	t.Helper()
	before := runtime.NumGoroutine()
	o := engine.Options{
		Dialects: []wire.Dialect{zmtp.Dialect}, Security: security, MaxMessageSize: 1 << 20, Linger: -1,
		Authenticate: func(_ context.Context, q *wire.Question, _ transport.Link) wire.Verdict {
			return wire.Verdict{Accept: len(q.PublicKey) > 0 || q.Password == goodPassword, User: "somebody"}
		},
	}
	if _, has := sp.Lookup(kind.hello.Protocol); has {
		o.Dialects = append(o.Dialects, sp.Dialect)
	}
	var use func(context.Context)
	s := engine.NewSocket(o, func(s *engine.Socket, o engine.Options) (p engine.Pattern) {
		p, use = kind.bind(s, kind.hello, o)
		return p
	})
	var program sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	program.Go(func() { use(ctx) })
	p, err := s.Attach(ctx, &transport.Stream{Conn: c}, true, engine.EndpointConfig{})
	switch {
	case err != nil:
		if op, ok := errors.AsType[*engine.OpError](err); ok {
			reason = op.Reason
		}
	default:
		<-p.Done()
		reason = reasons.Reason(fmt.Sprint(p.Err()))
	}
	if err := s.Close(); err != nil && !errors.Is(err, engine.ErrUnsent) {
		t.Fatalf("Close: %v", err)
	}
	cancel() // a request waits for its answer, whatever becomes of the socket
	program.Wait()
	if z := engine.SizesOf(s); z.Pipes+z.EndpointPipes+z.Handshakes > 0 {
		t.Fatalf("a closed socket has %+v", z)
	}
	for watchdog := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() { // those that are done are on their way out
		if time.Now().After(watchdog) {
			all := make([]byte, 1<<20)
			t.Fatalf("goroutines are left:\n%s", all[:runtime.Stack(all, true)])
		}
	}
	return reason, s.Stats()
}

// balanced checks the law of conservation.
func balanced(t *testing.T, st stats.Stats) {
	t.Helper()
	sum := func(counts map[reasons.Reason]uint64) (n uint64) {
		for _, c := range counts {
			n += c
		}
		return n
	}
	if o := st.Send; o.Queued > 0 || o.Offered != o.Sent+o.Returned+sum(o.Dropped) {
		t.Fatalf("sending: %+v", o)
	}
	if in := st.Recv; in.Queued > 0 || in.Arrived != in.Delivered+sum(in.Dropped) {
		t.Fatalf("receiving: %+v", in)
	}
	if st.Panics > 0 {
		t.Fatalf("%d panics", st.Panics)
	}
}

// allocated is how many bytes the process has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// FuzzSocketBytes lets sockets of every kind listen to whatever comes, cut in whatever way, on connections that may break.
// However it ends, nothing stays behind, the books balance, memory is in proportion to what came, and cuts make no
// difference.
func FuzzSocketBytes(f *testing.F) {
	seedSockets(f)
	var keys curveKeys
	readVectors(f, &struct{ Keys *curveKeys }{&keys})
	f.Fuzz(func(t *testing.T, script []byte, kind, security, cut byte, takes uint16) {
		k := fuzzedKinds[int(kind)%len(fuzzedKinds)]
		secure := func() wire.Security {
			switch security % waysToSecure {
			case withPlain:
				return zmtp.PlainServer{}
			case withCurve:
				return zmtp.CurveServer{Secret: zmtp.Key(keys.ServerSecret), Random: bytes.NewReader(keys.ServerRandom)}
			}
			return nil
		}
		start := allocated()
		whole, st := feed(t, k, secure(), &scriptedConn{pieces: [][]byte{bytes.Clone(script)}, takes: 1 << 30})
		balanced(t, st)
		if used, most := allocated()-start, uint64(1<<20+100*len(script)); used > most {
			t.Fatalf("%d bytes made it allocate %d", len(script), used)
		}
		parts, cutSt := feed(t, k, secure(), &scriptedConn{pieces: pieces(script, int(cut)+1), takes: 1 << 30})
		balanced(t, cutSt)
		if whole != parts || st.Recv.Arrived != cutSt.Recv.Arrived {
			t.Fatalf("%s in one piece: %q, %d messages; in pieces of %d: %q, %d messages", k.name, whole, st.Recv.Arrived, int(cut)+1, parts, cutSt.Recv.Arrived)
		}
		_, st = feed(t, k, secure(), &scriptedConn{pieces: pieces(script, int(cut)+1), takes: int(takes)})
		balanced(t, st)
	})
}

func pieces(script []byte, size int) (all [][]byte) {
	for len(script) > 0 {
		n := min(size, len(script))
		all = append(all, bytes.Clone(script[:n]))
		script = script[n:]
	}
	return all
}

type hexText []byte

func (h *hexText) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type curveKeys struct {
	ServerSecret hexText `json:"server_secret"`
	ServerRandom hexText `json:"server_random"`
}

// readVectors reads parts of the documented examples of ZMTP.
func readVectors(tb testing.TB, into any) {
	tb.Helper()
	text, err := os.ReadFile("../../docs/wire/vectors/zmtp.json")
	must(tb, err)
	must(tb, json.Unmarshal(text, into))
}

// seedSockets adds sessions, good ones first: those of the documented examples, and one of the Scalability Protocols for
// each kind of socket.
func seedSockets(f *testing.F) {
	f.Helper()
	kinds := map[string]byte{}
	for i, k := range fuzzedKinds {
		kinds[k.name] = byte(i)
		script := []byte{0, 'S', 'P', 0, byte(k.hello.Peer >> 8), byte(k.hello.Peer), 0, 0}
		for _, body := range []string{"\x80\x00\x00\x01a", "\x00\x00\x00\x07\x80\x00\x00\x02b", "", strings.Repeat("x", 300)} {
			script = append(append(script, 0, 0, 0, 0, 0, 0, byte(len(body)>>8), byte(len(body))), body...)
		}
		f.Add(script, byte(i), byte(openToAll), byte(2), uint16(9))
	}
	secured := map[string]byte{"": openToAll, "plain-server": withPlain, "curve-server": withCurve}
	type stream struct {
		Local, Peer, Security string
		Stream                hexText
	}
	var v struct {
		Handshakes []struct {
			Local, Security, Reason string
			Receive                 hexText
			Listening, Sealed       bool
		}
		Frames, Malformed []stream
	}
	readVectors(f, &v)
	var sealed []byte
	for _, h := range v.Handshakes {
		kind, ok := kinds[h.Local]
		if !ok || !h.Listening {
			continue
		}
		f.Add([]byte(h.Receive), kind, secured[h.Security], byte(10), uint16(100))
		if h.Sealed && sealed == nil {
			sealed = h.Receive
		}
	}
	for _, s := range append(v.Frames, v.Malformed...) {
		kind, ok := kinds[s.Local]
		switch {
		case !ok:
		case s.Security == "":
			f.Add([]byte(greeting("NULL")+commandOf("READY", property("Socket-Type", s.Peer))+string(s.Stream)), kind, byte(openToAll), byte(0), uint16(100))
		case s.Security == "curve-server" && s.Local == "PULL":
			f.Add(append(bytes.Clone(sealed), s.Stream...), kind, byte(withCurve), byte(50), uint16(300))
		}
	}
	plain := greeting("PLAIN") + commandOf("HELLO", plainHello(goodUser, goodPassword)) + commandOf("INITIATE", asPush) + frameOf(0, "hi") + frameOf(0, "again")
	f.Add([]byte(plain), kinds["PULL"], byte(withPlain), byte(30), uint16(1000))
}

// SPDX-License-Identifier: MIT

package engine_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
)

// A handshakeState is how far a peer goes in its handshake before it misbehaves.
type handshakeState struct {
	name    string
	reach   func(p *curvePeer)
	trickle string // what could come next, endlessly; empty if the peer is within a command
}

// A mechanismCase is a listener's security, a client that fits, and the states of a peer that never finishes.
type mechanismCase struct {
	name           string
	server, client wire.Security
	states         []handshakeState
}

// endless is a command that stays below the limit for longer than a handshake may take.
const endless = "\x06\x00\x00\x00\x00\x00\x00\x1f\xff\x05HELLO"

func mechanismCases() []mechanismCase {
	says := func(what ...string) func(*curvePeer) { return func(p *curvePeer) { p.say(what...) } }
	begun := func(mechanism string) []handshakeState {
		g := greeting(mechanism)
		return []handshakeState{
			{"one byte", says(g[:1]), g[1:]},
			{"signature", says(g[:10]), g[10:]},
			{"version", says(g[:11]), g[11:]},
			{"half a greeting", says(g[:40]), g[40:]},
			{"greeting", says(g), endless},
		}
	}
	half := func(command string) string { return command[:len(command)/2] }
	hello := commandOf("HELLO", plainHello(goodUser, goodPassword))
	plain := func(next string) func(p *curvePeer) {
		return func(p *curvePeer) {
			p.greet("PLAIN")
			p.say(hello)
			p.hearCommand("WELCOME")
			p.say(next)
		}
	}
	curve := func(next func(p *curvePeer) string) func(p *curvePeer) {
		return func(p *curvePeer) {
			p.greet("CURVE")
			p.say(commandOf("HELLO", p.hello()))
			p.welcome()
			p.say(next(p))
		}
	}
	client := newKeyPair()
	return []mechanismCase{
		{"NULL", nil, nil, append(begun("NULL"), handshakeState{"half of READY", says(greeting("NULL"), half(commandOf("READY", asPush))), ""})},
		{"PLAIN", zmtp.PlainServer{}, zmtp.PlainClient{Username: goodUser, Password: goodPassword}, append(begun("PLAIN"),
			handshakeState{"half of HELLO", says(greeting("PLAIN"), half(hello)), ""},
			handshakeState{"welcome", plain(""), endless},
			handshakeState{"half of INITIATE", plain(half(commandOf("INITIATE", asPush))), ""})},
		{"CURVE", zmtp.CurveServer{Secret: *siege.secret}, zmtp.CurveClient{Secret: *client.secret, ServerKey: *siege.public}, append(begun("CURVE"),
			handshakeState{"half of HELLO", func(p *curvePeer) { p.say(greeting("CURVE"), half(commandOf("HELLO", p.hello()))) }, ""},
			handshakeState{"welcome", curve(func(*curvePeer) string { return "" }), endless},
			handshakeState{"half of INITIATE", curve(func(p *curvePeer) string { return half(commandOf("INITIATE", p.data(p.honest()))) }), ""})},
	}
}

// siege is the key of servers that peers are to know.
var siege = newKeyPair()

func every(handshakeState) bool      { return true }
func trickles(s handshakeState) bool { return s.trickle != "" }

// forEachState runs a test in virtual time for such states of each mechanism, with a listening Pull of a network in memory.
func forEachState(t *testing.T, such func(handshakeState) bool, test func(w *waiting, s handshakeState)) {
	for _, m := range mechanismCases() {
		for _, s := range m.states {
			if !such(s) {
				continue
			}
			t.Run(m.name+" "+s.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWaiting(t, m)
					test(w, s)
					must(t, w.server.Close())
				})
			})
		}
	}
}

// A waiting socket is a Pull, in virtual time, for whose handshakes peers make it wait.
type waiting struct {
	t      *testing.T
	net    *simnet.Net
	m      mechanismCase
	server *engine.Socket
	pull   *pattern.Pull
	url    string
	dialer transport.Dialer
	slow   func(ctx context.Context, q *wire.Question)
}

const waitingCap = 8 // handshakes at a time

func newWaiting(t *testing.T, m mechanismCase) *waiting {
	t.Helper()
	w := &waiting{t: t, net: simnet.New(1), m: m, url: "sim://waiting", slow: func(context.Context, *wire.Question) {}}
	o := w.options(m.server)
	o.Authenticate = func(ctx context.Context, q *wire.Question, _ transport.Link) wire.Verdict {
		w.slow(ctx, q)
		return wire.Verdict{Accept: true}
	}
	w.server = engine.NewSocket(o, func(_ *engine.Socket, o engine.Options) engine.Pattern {
		w.pull = pattern.NewPull(hello(sp.Pull), o, false)
		return w.pull
	})
	_, err := w.server.Listen(t.Context(), w.url, engine.EndpointConfig{})
	must(t, err)
	u, err := transport.ParseURL(w.url)
	must(t, err)
	w.dialer, err = w.net.Dialer(u, transport.DialOptions{})
	must(t, err)
	return w
}

func (w *waiting) options(s wire.Security) engine.Options {
	o := securedOptions(s)
	o.Transports, o.MaxHandshakes = []transport.Transport{w.net}, waitingCap
	return o
}

// peer connects a peer and brings it to a state. When it returns, the listener has heard all of that.
func (w *waiting) peer(s handshakeState) *curvePeer {
	w.t.Helper()
	link, err := w.dialer.Dial(w.t.Context())
	must(w.t, err)
	p := &curvePeer{rawPeer: &rawPeer{link.(*transport.Stream).Conn, w.t}, own: newKeyPair(), short: newKeyPair(), server: siege.public}
	w.t.Cleanup(func() { _ = p.Close() })
	s.reach(p)
	synctest.Wait()
	return p
}

// good lets a client in and a message through, in no time at all.
func (w *waiting) good() {
	w.t.Helper()
	start := time.Now()
	var push *pattern.Push
	c := engine.NewSocket(w.options(w.m.client), func(*engine.Socket, engine.Options) engine.Pattern {
		push = pattern.NewPush(hello(sp.Push), false, false)
		return push
	})
	_, err := c.Dial(w.t.Context(), w.url, engine.EndpointConfig{}, true)
	must(w.t, err)
	m := msg.Of([]byte("good"))
	must(w.t, push.Send(w.t.Context(), true, nil, &m))
	came, err := w.pull.Recv(w.t.Context())
	must(w.t, err)
	if string(came.Body()) != "good" {
		w.t.Errorf("received %q", came.Body())
	}
	came.Release()
	if d := time.Since(start); d != 0 {
		w.t.Errorf("a good client was delayed by %v", d)
	}
	must(w.t, c.Close())
	synctest.Wait()
}

// expect checks the reasons under which peers were refused so far.
func (w *waiting) expect(evicted, timeout uint64) {
	w.t.Helper()
	got := w.server.Stats().Rejected
	if got["evicted"] != evicted || got["timeout"] != timeout || len(got) > 2 {
		w.t.Errorf("rejected %v; want %d evicted and %d timeouts", got, evicted, timeout)
	}
}

// Peers that fall silent in any state of any mechanism's handshake delay nobody. The oldest makes room, the others are
// let go when their time is over, to the moment.
func TestSilentPeersDelayNoOthers(t *testing.T) {
	forEachState(t, every, func(w *waiting, s handshakeState) {
		for i := range uint64(waitingCap + 5) {
			w.peer(s)
			w.expect(max(i, waitingCap-1)-(waitingCap-1), 0)
		}
		w.good()
		w.expect(6, 0)
		limit := w.server.Options().HandshakeTimeout
		time.Sleep(limit - time.Nanosecond)
		synctest.Wait()
		w.expect(6, 0)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		w.expect(6, waitingCap-1)
		if z := engine.SizesOf(w.server); z.Handshakes+z.Pipes > 0 {
			w.t.Errorf("it still has %+v", z)
		}
	})
}

// A peer that is slow gets no more time than one that is silent, and delays nobody either.
func TestSlowPeersGetNoMoreTime(t *testing.T) {
	forEachState(t, trickles, func(w *waiting, s handshakeState) {
		p := w.peer(s)
		start := time.Now()
		for i, c := range []byte(s.trickle + strings.Repeat("x", 1000)) {
			if i%4 == 0 {
				w.good()
			}
			time.Sleep(700 * time.Millisecond)
			if _, err := p.Write([]byte{c}); err != nil {
				break
			}
		}
		if d, limit := time.Since(start), w.server.Options().HandshakeTimeout; d < limit || d > limit+time.Second {
			w.t.Errorf("it lasted for %v, want %v", d, limit)
		}
		w.expect(0, 1)
	})
}

// Garbage in any state gets nobody in and delays nobody.
func TestGarbageIsNotLetIn(t *testing.T) {
	dice := rand.New(rand.NewPCG(5, 19))
	forEachState(t, every, func(w *waiting, s handshakeState) {
		const peers = 24 // more than there may be at a time
		for range peers {
			garbage := make([]byte, 1+dice.IntN(600))
			for i := range garbage {
				garbage[i] = byte(dice.Uint32())
			}
			p := w.peer(s)
			p.say(string(garbage))
		}
		w.good()
		time.Sleep(w.server.Options().HandshakeTimeout)
		synctest.Wait()
		sum := uint64(0)
		for _, n := range w.server.Stats().Rejected {
			sum += n
		}
		if sum != peers {
			w.t.Errorf("%d peers were refused, want %d: %v", sum, peers, w.server.Stats().Rejected)
		}
	})
}

// While one peer's credentials are looked at for long, others come in.
func TestSlowAuthenticationDelaysNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := mechanismCases()[1]
		w := newWaiting(t, m)
		w.slow = func(_ context.Context, q *wire.Question) {
			if q.Username == "slow" {
				time.Sleep(5 * time.Second)
			}
		}
		p := w.peer(handshakeState{reach: func(p *curvePeer) {
			p.greet("PLAIN")
			p.say(commandOf("HELLO", plainHello("slow", "")))
		}})
		start := time.Now()
		w.good()
		p.hearCommand("WELCOME")
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("it was let in after %v", d)
		}
		must(t, w.server.Close())
	})
}

// Who is evicted while its credentials are looked at keeps nobody at work on them.
func TestEvictionEndsAuthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaiting(t, mechanismCases()[1])
		var given atomic.Int32
		w.slow = func(ctx context.Context, q *wire.Question) {
			if q.Username == "slow" {
				<-ctx.Done()
				given.Add(1)
			}
		}
		for range waitingCap + 3 {
			w.peer(handshakeState{reach: func(p *curvePeer) {
				p.greet("PLAIN")
				p.say(commandOf("HELLO", plainHello("slow", "")))
			}})
		}
		if n := given.Load(); n != 3 {
			t.Errorf("%d were given up at once, want 3", n)
		}
		w.expect(3, 0)
		w.good()
		must(t, w.server.Close())
	})
}

// A socket that is closed while a peer's credentials are looked at does not wait for that peer, whose answer nobody
// writes any more.
func TestCloseDoesNotWaitForAuthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWaiting(t, mechanismCases()[1])
		w.slow = func(ctx context.Context, _ *wire.Question) { <-ctx.Done() }
		w.peer(handshakeState{reach: func(p *curvePeer) {
			p.greet("PLAIN")
			p.say(commandOf("HELLO", plainHello(goodUser, goodPassword)))
		}})
		start := time.Now()
		must(t, w.server.Close())
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
	})
}

// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/zmq"
)

// A zmqPair is a socket type of Spry, the peer's that it meets, and how messages cross between them.
type zmqPair struct {
	spry, peer string
	cross      func(t *testing.T, m zmqMeeting)
	envelope   []string // frames before those of the message that the asking side sends and gets back
}

// A zmqMeeting is a pair at an address.
type zmqMeeting struct {
	zmqPair
	peer     *zmqPeer
	a        kit.Address
	security zmq.Options // of Spry's side
	options  args        // of the peer's
	shapes   [][]string  // of the messages
}

// The names that the sockets of a meeting go by, where one addresses the other by it.
const (
	spryName = "spry"
	peerName = "peer"
)

// stablePairs are all that ZeroMQ allows among its stable types.
var stablePairs = []zmqPair{
	{spry: "REQ", peer: "REP", cross: spryAsks},
	{spry: "REQ", peer: "ROUTER", cross: spryAsks},
	{spry: "REP", peer: "REQ", cross: peerAsks},
	{spry: "REP", peer: "DEALER", cross: peerAsks, envelope: []string{"x:"}},
	{spry: "DEALER", peer: "REP", cross: spryAsks, envelope: []string{"x:"}},
	{spry: "DEALER", peer: "DEALER", cross: spryAsks},
	{spry: "DEALER", peer: "ROUTER", cross: spryAsks},
	{spry: "ROUTER", peer: "REQ", cross: peerAsks},
	{spry: "ROUTER", peer: "DEALER", cross: peerAsks},
	{spry: "ROUTER", peer: "ROUTER", cross: spryAsks, envelope: []string{text(peerName)}},
	{spry: "PUB", peer: "SUB", cross: spryPublishes},
	{spry: "PUB", peer: "XSUB", cross: spryPublishes},
	{spry: "XPUB", peer: "SUB", cross: spryPublishes},
	{spry: "XPUB", peer: "XSUB", cross: spryPublishes},
	{spry: "SUB", peer: "PUB", cross: peerPublishes},
	{spry: "SUB", peer: "XPUB", cross: peerPublishes},
	{spry: "XSUB", peer: "PUB", cross: peerPublishes},
	{spry: "XSUB", peer: "XPUB", cross: peerPublishes},
	{spry: "PUSH", peer: "PULL", cross: sprySends},
	{spry: "PULL", peer: "PUSH", cross: peerSends},
	{spry: "PAIR", peer: "PAIR", cross: spryAsks},
}

// wantedOnly are the stable pairs but those with Spry's XSUB, which takes everything that comes: after its first match, a subscriber
// gets all that a PUB or XPUB of jszmq sends.
func wantedOnly() []zmqPair {
	return slices.DeleteFunc(slices.Clone(stablePairs), func(p zmqPair) bool { return p.spry == "XSUB" })
}

// plainNames have the transport for jszmq's servers, which refuse names of subprotocols that have a slash, as ZWS2.0/NULL has.
var plainNames = []transport.Transport{ws.Transport{Header: http.Header{"Sec-WebSocket-Protocol": {"ZWS2.0"}}}}

// draftPairs are those of the draft types that npm's package has. PEER and CHANNEL are in no package that it could
// be tried with.
var draftPairs = []zmqPair{
	{spry: "CLIENT", peer: "SERVER", cross: spryAsks},
	{spry: "SERVER", peer: "CLIENT", cross: peerAsks},
	{spry: "RADIO", peer: "DISH", cross: spryPublishes},
	{spry: "DISH", peer: "RADIO", cross: peerPublishes},
	{spry: "SCATTER", peer: "GATHER", cross: sprySends},
	{spry: "GATHER", peer: "SCATTER", cross: peerSends},
}

// Shapes of messages, as the peers write frames.
var (
	wholeBodies = [][]string{{"x:"}, {"x:61"}, {"r:255:3"}, {"r:256:3"}, {"r:1048576:3"}}
	severalOnes = [][]string{{"x:", "x:"}, {"r:300:1", "x:", "r:5:1"}, {"x:61", "r:70000:5", "x:", "x:62"}}
)

// shapes are the messages that fit a pair. Publishers say what they are about in the first frame.
func (p zmqPair) shapes() [][]string {
	shapes := wholeBodies
	if !slices.Contains([]string{"CLIENT", "SERVER", "SCATTER", "GATHER", "RADIO", "DISH"}, p.spry) {
		shapes = slices.Concat(wholeBodies, severalOnes)
	}
	if !p.publishes() {
		return shapes
	}
	about := make([][]string, len(shapes))
	for i, frames := range shapes {
		about[i] = append([]string{text(interest)}, frames...)
	}
	return about
}

func (p zmqPair) publishes() bool {
	return strings.HasSuffix(p.spry+p.peer, "SUB") || strings.HasSuffix(p.spry+p.peer, "PUB") || p.spry == "RADIO" || p.spry == "DISH"
}

// TestZeroMQTypes has every type of package zmq meet every type that is its peer by the rules. npm's jszmq is ZeroMQ in
// JavaScript, over WebSocket alone, and knows no draft types. It and most cells over ws take their time, so they run with SPRY_LONG
// only.
func TestZeroMQTypes(t *testing.T) {
	meetPairs(t, kit.LibZMQ, stablePairs, mechanismNull)
	meetPairs(t, npmZeroMQ, stablePairs, mechanismNull)
	meetPairs(t, npmZeroMQ, draftPairs, mechanismNull)
	meetPairsOver(t, []string{"ws"}, npmZeroMQ, draftPairs, mechanismNull)
	if kit.Long {
		meetPairsOver(t, []string{"ws"}, kit.LibZMQ, stablePairs, mechanismNull)
		meetPairsOver(t, []string{"ws"}, npmZeroMQ, stablePairs, mechanismNull)
		meetPairsOver(t, []string{"ws"}, npmJSZMQ, wantedOnly(), mechanismNull)
	}
}

// A mechanism secures meetings: it prepares the peer's process and sets options of both sides, one of which is the server.
type mechanism struct {
	name    string
	prepare func(p *zmqPeer)
	apply   func(m *zmqMeeting)
}

var mechanismNull = mechanism{"NULL", func(*zmqPeer) {}, func(*zmqMeeting) {}}

// meetPairs tries pairs of types over tcp and ipc, with either side listening.
func meetPairs(t *testing.T, peerName string, pairs []zmqPair, how mechanism) {
	t.Helper()
	meetPairsOver(t, []string{"tcp", "ipc"}, peerName, pairs, how)
}

// meetPairsOver is meetPairs over these transports.
func meetPairsOver(t *testing.T, transports []string, peerName string, pairs []zmqPair, how mechanism) {
	t.Helper()
	for _, transport := range transports {
		for _, spryListens := range []bool{true, false} {
			group := fmt.Sprintf("%s/%s/%s/%s_%s", peerName, how.name, pairs[0].spry, transport, kit.Direction(spryListens))
			t.Run(strings.ReplaceAll(group, " ", "_"), func(t *testing.T) {
				t.Parallel()
				var p *zmqPeer
				for _, pair := range pairs {
					if p == nil {
						p = startPeer(t, peerName)
						how.prepare(p)
					}
					ok := t.Run(pair.spry+"_"+pair.peer, func(t *testing.T) {
						pattern := fmt.Sprintf("%s – zmq %s, %s", pair.peer, pair.spry, how.name)
						kit.Results.Track(t, kit.Row(peerName, pattern, transport, kit.Direction(spryListens)), kit.Library)
						m := zmqMeeting{zmqPair: pair, peer: p, a: kit.NewAddress(t, transport, spryListens), security: kit.Options, options: args{}}
						if m.shapes = pair.shapes(); peerName == npmJSZMQ {
							m.security.Transports = plainNames
						}
						p.forTest(t)
						how.apply(&m)
						pair.cross(t, m)
						p.do("close", args{"socket": "s"})
					})
					if p.forTest(t); !ok {
						p = nil // it may wait for what never comes
					}
				}
			})
		}
	}
}

// begin attaches both sides, whoever listens first.
func (m zmqMeeting) begin(t *testing.T) framed {
	t.Helper()
	if m.zmqPair.spry == "ROUTER" && m.zmqPair.peer == "ROUTER" {
		m.security.Identity = spryName
		m.options["IDENTITY"] = text(peerName)
	}
	f := newFramed(t, m.zmqPair.spry, m.security)
	m.peer.do("open", args{"socket": "s", "type": m.zmqPair.peer, "options": m.options})
	if strings.HasSuffix(m.zmqPair.peer, "SUB") || m.zmqPair.peer == "DISH" {
		m.peer.do("subscribe", args{"socket": "s", "topics": []string{interest}})
	}
	if m.a.SpryListens {
		kit.Attach(t, f, m.a)
		m.peer.attach("s", m.a)
	} else {
		m.peer.attach("s", m.a)
		kit.Attach(t, f, m.a)
	}
	return f
}

// spryAsks sends messages that the peer sends back.
func spryAsks(t *testing.T, m zmqMeeting) {
	f := m.begin(t)
	end := m.peer.begin("echo", args{"socket": "s", "count": len(m.shapes)})
	kit.WaitPipes(t, f, 1) // a ROUTER sends to nobody else
	for _, frames := range m.shapes {
		frames = slices.Concat(m.envelope, frames)
		sameFrames(t, kit.Must[[][]byte](t)(f.ask(kit.Watched(t), expandAll(frames)...)), frames)
	}
	end()
	testkit.Check(t, f.Close())
}

// peerAsks has the peer send messages that Spry sends back.
func peerAsks(t *testing.T, m zmqMeeting) {
	f := m.begin(t)
	f.echoing(t)
	for _, frames := range m.shapes {
		frames = slices.Concat(m.envelope, frames)
		m.peer.send("s", frames...)
		m.peer.expect("s", frames)
	}
}

// sprySends sends messages one way.
func sprySends(t *testing.T, m zmqMeeting) {
	f := m.begin(t)
	for _, frames := range m.shapes {
		testkit.Check(t, f.send(kit.Watched(t), expandAll(frames)...))
	}
	m.peer.expect("s", m.shapes...)
	testkit.Check(t, f.Close())
}

// peerSends has the peer send messages one way.
func peerSends(t *testing.T, m zmqMeeting) {
	f := m.begin(t)
	for _, frames := range m.shapes {
		m.peer.send("s", frames...)
	}
	for _, frames := range m.shapes {
		sameFrames(t, kit.Must[[][]byte](t)(f.recv(kit.Watched(t))), frames)
	}
	testkit.Check(t, f.Close())
}

// spryPublishes sends messages of which the peer gets those that it subscribed to. What an XSUB sends besides comes to an XPUB,
// which learns of subscriptions.
func spryPublishes(t *testing.T, m zmqMeeting) {
	f, ctx := m.begin(t), kit.Watched(t)
	received := m.peer.begin("recv", args{"socket": "s", "count": len(m.shapes)}) // libzmq does not say before that what it wants
	testkit.Check(t, f.interested(ctx, interest, 1))
	for _, frames := range m.shapes {
		unwanted := append([]string{text("unwanted")}, frames[1:]...)
		if m.zmqPair.peer == "DISH" {
			unwanted = append([]string{text("tt")}, frames[1:]...) // a group is wanted as a whole
		}
		testkit.Check(t, f.send(ctx, expandAll(unwanted)...))
		testkit.Check(t, f.send(ctx, expandAll(frames)...))
	}
	sameMessages(t, "the peer", result[[][]string](t, received()), m.shapes)
	if f.recv != nil {
		sameFrames(t, kit.Must[[][]byte](t)(f.recv(ctx)), []string{"x:01" + strings.TrimPrefix(text(interest), "x:")})
		if m.zmqPair.peer == "XSUB" {
			m.peer.send("s", text("up"), "x:")
			sameFrames(t, kit.Must[[][]byte](t)(f.recv(ctx)), []string{text("up"), "x:"})
		}
	}
	testkit.Check(t, f.Close())
}

// peerPublishes has the peer publish. An XPUB says when it knows of the subscription, others send until something arrives.
func peerPublishes(t *testing.T, m zmqMeeting) {
	f, ctx := m.begin(t), kit.Watched(t)
	probe := []string{text(interest), text("probe")}
	if m.zmqPair.peer == "XPUB" {
		m.peer.expect("s", []string{"x:01" + strings.TrimPrefix(text(interest), "x:")})
	} else {
		untilReceived(t, f, func() { m.peer.send("s", probe...) })
	}
	for _, frames := range m.shapes {
		m.peer.send("s", append([]string{text("unwanted")}, frames[1:]...)...)
		m.peer.send("s", frames...)
	}
	for _, frames := range m.shapes {
		got := kit.Must[[][]byte](t)(f.recv(ctx))
		for slices.Equal(described(got), probe) {
			got = kit.Must[[][]byte](t)(f.recv(ctx))
		}
		sameFrames(t, got, frames)
	}
	if m.zmqPair.peer == "XPUB" && f.send != nil {
		testkit.Check(t, f.send(ctx, []byte("up"), nil))
		m.peer.expect("s", []string{text("up"), "x:"})
	}
	testkit.Check(t, f.Close())
}

// untilReceived has somebody send until a message has come.
func untilReceived(t *testing.T, f framed, send func()) {
	t.Helper()
	for ctx := kit.Watched(t); ; {
		send()
		waiting, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		_, err := f.recv(waiting)
		cancel()
		switch {
		case err == nil:
			return
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		default:
			t.Fatalf("nothing was received: %v", err)
		}
	}
}

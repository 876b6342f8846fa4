// SPDX-License-Identifier: MIT

package pattern

import (
	"encoding/binary"
	"testing"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
)

// xpubWithPeer is an XPub, and its pipe to a peer that subscribed to a topic.
func xpubWithPeer(t *testing.T, topic string) (x *XPub, p *engine.Pipe, peer *engine.Socket) {
	t.Helper()
	o := engine.Options{Dialects: []wire.Dialect{zmtp.Dialect}, Transports: []transport.Transport{tcp.Transport{}}}
	x, publishes := open(t, o, func(s *engine.Socket, _ engine.Options) *XPub {
		return NewXPub(s, zmtp.XPub.Hello(), engine.DropOldest, nil, 0)
	})
	sub, subscribes := open(t, o, func(_ *engine.Socket, o engine.Options) *Sub {
		return NewSub(zmtp.Sub.Hello(), o, engine.DropOldest, false)
	})
	join(t, publishes, subscribes)
	if err := sub.First().Subscribe(topic); err != nil {
		t.Fatal(err)
	}
	if c, err := x.Next(t.Context()); err != nil || c != (Change{topic, true}) {
		t.Fatalf("heard of %v, %v", c, err)
	}
	return x, publishes.Pipes()[0], subscribes
}

// What the reader of a pipe that is over still finds in its memory is not remembered: nobody would take it back.
func TestSubscriptionsAfterTheEndOfTheirPipe(t *testing.T) {
	x, p, peer := xpubWithPeer(t, "early")
	_ = peer.Close()
	<-p.Done()
	if c, err := x.Next(t.Context()); err != nil || c != (Change{"early", false}) {
		t.Errorf("heard of %v, %v", c, err)
	}
	x.Control(p, wire.Control{Kind: wire.ControlSubscribe, Data: []byte("late")})
	if c, ok := x.changes.take(); ok || x.all.count() > 0 {
		t.Errorf("heard of %v; %d topics are remembered", c, x.all.count())
	}
}

// A peer that subscribes to too much loses its pipe, and all that it asked for is forgotten.
func TestTooManySubscriptionsToAnXPub(t *testing.T) {
	x, p, _ := xpubWithPeer(t, "first")
	const size = 1 << 16
	topic := make([]byte, size)
	for i := range uint32(maxPeerTopicBytes / size) {
		binary.BigEndian.PutUint32(topic, i)
		x.Control(p, wire.Control{Kind: wire.ControlSubscribe, Data: topic})
	}
	<-p.Done()
	if st := p.Socket().Stats(); st.Rejected["topics"] != 1 {
		t.Errorf("rejected %v", st.Rejected)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all.bytes > int64(len("first")) { // for which it may be back already
		t.Errorf("%d topics of %d bytes are remembered", x.all.count(), x.all.bytes)
	}
}

// SPDX-License-Identifier: MIT

package conformance_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// One port serves both families, unless it is told not to, and each pipe says what is spoken on it.
func TestOnePortForBothFamilies(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	pull := spry.NewPull(nil)
	e := testkit.ListenOn(t, pull, "tcp")
	older, newer := spry.NewPush(nil), spry.NewPush(nil)
	testkit.DialTo(t, older, e)
	_, err := newer.Dial(ctx, "zmtp+"+e.URL())
	testkit.Check(t, err)
	for _, s := range []*spry.Push{older, newer} {
		carry(t, s, pull)
	}
	spoken := map[string]spry.Protocol{}
	testkit.Check(t, pull.WaitPipes(ctx, 2))
	for p := range pull.Pipes() {
		spoken[p.Dialect()] = p.PeerProtocol()
	}
	if len(spoken) != 2 || spoken["sp"] != spry.ProtocolPush || spoken["zmtp"] != spry.ProtocolPush {
		t.Errorf("spoken are %v", spoken)
	}
	testkit.Shut(t, older, newer, pull)
}

func TestDialectsCanBeRestricted(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	for allowed, refused := range map[string]string{"sp": "zmtp+", "zmtp": ""} {
		pull := spry.NewPull(nil)
		e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: "tcp://127.0.0.1:0", Dialects: []string{allowed}})
		testkit.Check(t, err)
		push := spry.NewPush(nil)
		if _, err := push.Dial(ctx, refused+e.URL()); err == nil {
			t.Errorf("a listener that allows %s only takes %q", allowed, refused)
		}
		testkit.Eventually(t, "the listener counts it", func() bool { return testkit.Sum(pull.Stats().Rejected) == 1 })
		testkit.Shut(t, push, pull)
	}
	pull := spry.NewPull(nil)
	defer pull.Close()
	_, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: "tcp://127.0.0.1:0", Dialects: []string{"sp", "amqp"}})
	if !errors.Is(err, spry.ErrConfig) || !strings.Contains(err.Error(), "amqp") {
		t.Errorf("an unknown dialect: %v", err)
	}
}

func TestAttachInADialect(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	pair, other := spry.NewPair(nil), spry.NewPair(nil)
	dials, listens := simnet.Pipe()
	answered := make(chan error, 1)
	go func() {
		_, err := other.Attach(ctx, listens, &spry.AttachConfig{Listening: true})
		answered <- err
	}()
	p, err := pair.Attach(ctx, dials, &spry.AttachConfig{Dialects: []string{"zmtp"}})
	testkit.Check(t, err)
	testkit.Check(t, <-answered)
	if p.Dialect() != "zmtp" {
		t.Errorf("attached in %s", p.Dialect())
	}
	carry(t, pair, other)
	carry(t, other, pair)
	testkit.Shut(t, pair, other)
}

// A dialer begins with the first of its dialects, or with the one that its URL names.
func TestDialInADialect(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	pull := spry.NewPull(nil)
	url := testkit.ListenOn(t, pull, "tcp").URL()
	for want, c := range map[string]*spry.DialConfig{
		"sp":          {URL: url},
		"zmtp":        {URL: url, Dialects: []string{"zmtp"}},
		"zmtp first":  {URL: url, Dialects: []string{"zmtp", "sp"}},
		"sp first":    {URL: url, Dialects: []string{"sp", "zmtp"}},
		"zmtp by URL": {URL: "zmtp+" + url, Dialects: []string{"sp"}},
	} {
		push := spry.NewPush(nil)
		e, err := push.DialWith(ctx, c)
		testkit.Check(t, err)
		for p := range e.Pipes() {
			if dialect, _, _ := strings.Cut(want, " "); p.Dialect() != dialect {
				t.Errorf("%s: the dialect is %s", want, p.Dialect())
			}
		}
		testkit.Check(t, push.Close())
	}
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Dialects: []string{"sp"}}})
	if _, err := push.DialWith(ctx, &spry.DialConfig{URL: url, Dialects: []string{"zmtp"}}); !errors.Is(err, spry.ErrConfig) {
		t.Errorf("a dialect that the socket does not speak: %v", err)
	}
	testkit.Shut(t, push, pull)
}

// Sockets without a counterpart in ZeroMQ refuse its peers, by name.
func TestSocketsWithoutATwin(t *testing.T) {
	leak.Check(t)
	bus := spry.NewBus(nil)
	_, err := bus.Dial(testkit.Watchdog(t), "zmtp+"+testkit.ListenOn(t, bus, "tcp").URL())
	if !errors.Is(err, spry.ErrProtocol) || !strings.Contains(err.Error(), "bus") {
		t.Errorf("a bus that dials ZeroMQ: %v", err)
	}
	testkit.Check(t, bus.Close())
}

// A Pub sends a peer that tells its topics what it wants, from when it says so until it takes it back.
func TestPubFiltersForItsPeers(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	pub, sub := spry.NewPub(nil), spry.NewSub(nil)
	e := testkit.ListenOn(t, pub, "zmtp+tcp")
	testkit.DialTo(t, sub, e)
	testkit.Check(t, pub.WaitPipes(ctx, 1))
	testkit.Check(t, pub.Send(ctx, []byte("a before")))
	other := sub.Open("a", "a") // twice, which the peer is told once
	testkit.Check(t, sub.Subscribe("a"))
	testkit.Check(t, pub.WaitSubscribers(ctx, "a", 1))
	testkit.Check(t, pub.Send(ctx, []byte("a both")))
	testkit.Check(t, other.Close())
	testkit.Check(t, pub.Send(ctx, []byte("a one")))
	for _, want := range []string{"a both", "a one"} {
		got, err := sub.Recv(ctx)
		testkit.Check(t, err)
		if string(got) != want {
			t.Errorf("received %q, want %q", got, want)
		}
	}
	testkit.Check(t, sub.Unsubscribe("a"))
	testkit.Eventually(t, "nobody wants it any more", func() bool {
		before := pub.Stats().Send.Offered
		testkit.Check(t, pub.Send(ctx, []byte("a nobody")))
		return pub.Stats().Send.Offered == before
	})
	testkit.Shut(t, pub, sub)
}

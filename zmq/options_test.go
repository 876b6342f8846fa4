// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// What a socket says of itself is known to its peer, and who has no name to tell tells none.
func TestIdentityAndMetadata(t *testing.T) {
	overEveryWire(t, func(t *testing.T, scheme string) {
		said := zmq.Options{Identity: "it is me", Metadata: map[string]string{"X-Role": "worker", "x-empty": ""}}
		router, pull := zmq.NewRouter(&zmq.RouterOptions{Options: said}), zmq.NewPull(&zmq.PullOptions{Options: said})
		dealer, push := zmq.NewDealer(&zmq.DealerOptions{Options: said}), zmq.NewPush(&zmq.PushOptions{Options: said})
		join(t, scheme, dealer, router)
		join(t, scheme, push, pull)
		for kind, s := range map[string]socket{"ROUTER": dealer, "DEALER": router, "PULL": push, "PUSH": pull} {
			for p := range s.Pipes() {
				m := p.Metadata()
				named := ""
				if kind == "ROUTER" || kind == "DEALER" {
					named = "it is me"
				}
				if m["Socket-Type"] != kind || m["Identity"] != named || m["X-Role"] != "worker" || m["x-empty"] != "" {
					t.Errorf("a %s said %v", kind, m)
				}
				if named != "" && zmq.Identity(p) != named {
					t.Errorf("a %s is called %q", kind, zmq.Identity(p))
				}
				if want := map[bool]string{true: "inproc", false: "zmtp"}[scheme == "inproc"]; p.Dialect() != want {
					t.Errorf("%s is spoken, want %s", p.Dialect(), want)
				}
			}
		}
		testkit.Shut(t, dealer, push, router, pull)
	})
}

func TestOptionsThatAreRefused(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	for name, c := range map[string]struct {
		s    socket
		says string
	}{
		"an identity that is too long":     {zmq.NewDealer(named(strings.Repeat("x", 256))), "Identity"},
		"an identity that begins with 0":   {zmq.NewDealer(named("\x00a")), "Identity"},
		"metadata without X-":              {zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{Metadata: map[string]string{"Role": ""}}}), "X-"},
		"metadata that is too much":        {zmq.NewReq(&zmq.ReqOptions{Options: zmq.Options{Metadata: map[string]string{"X-a": strings.Repeat("x", 5000)}}}), "Metadata"},
		"metadata with a long name":        {zmq.NewPair(&zmq.Options{Metadata: map[string]string{"X-" + strings.Repeat("x", 254): ""}}), "X-"},
		"a dialect that does not exist":    {zmq.NewRep(&zmq.RepOptions{Options: zmq.Options{Dialects: []string{"amqp"}}}), "amqp"},
		"an overflow that does not exist":  {zmq.NewPub(&zmq.PubOptions{Overflow: 9}), "Overflow"},
		"overflow of an xpub":              {zmq.NewXPub(&zmq.XPubOptions{Overflow: 9}), "Overflow"},
		"overflow of an xsub":              {zmq.NewXSub(&zmq.XSubOptions{Overflow: 9}), "Overflow"},
		"overflow of a radio":              {zmq.NewRadio(&zmq.RadioOptions{Overflow: 9}), "Overflow"},
		"a sub that would disconnect":      {zmq.NewSub(&zmq.SubOptions{Overflow: spry.Disconnect}), "Overflow"},
		"a dish that would disconnect":     {zmq.NewDish(&zmq.DishOptions{Overflow: spry.Disconnect}), "Overflow"},
		"no time for a handshake":          {zmq.NewServer(&zmq.Options{HandshakeTimeout: -1}), "HandshakeTimeout"},
		"a backoff that shrinks":           {zmq.NewClient(&zmq.Options{Backoff: spry.Backoff{Factor: 0.5}}), "Factor"},
		"a TTL that nothing survives":      {zmq.NewRouter(&zmq.RouterOptions{Options: zmq.Options{TTL: 300}}), "TTL"},
		"a backoff whose bounds are wrong": {zmq.NewGather(&zmq.Options{Backoff: spry.Backoff{Min: 2, Max: 1}}), "Backoff"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.s.ListenWith(ctx, &spry.ListenConfig{URL: "tcp://127.0.0.1:0"})
			testkit.Wants(t, err, spry.ErrConfig, c.says)
			_, err = c.s.DialWith(ctx, &spry.DialConfig{URL: "tcp://127.0.0.1:1"})
			testkit.Wants(t, err, spry.ErrConfig, c.says)
			testkit.Shut(t, c.s)
		})
	}
}

// Conflate takes the place of a policy.
func TestConflateAndOverflow(t *testing.T) {
	leak.Check(t)
	pub, sub := zmq.NewPub(&zmq.PubOptions{Conflate: true, Overflow: spry.Disconnect}), zmq.NewSub(&zmq.SubOptions{Conflate: true, Overflow: spry.DropNewest})
	testkit.Check(t, sub.Subscribe(""))
	connect(t, "inproc", pub, sub)
	update(t, pub)
	testkit.Check(t, pub.Flush(testkit.Watchdog(t)))
	expect(t, sub, "topic", "49", "")
	testkit.Shut(t, pub, sub)
}

// A URL without a dialect means ZeroMQ, whatever the socket; one that names another needs a socket that speaks it.
func TestDialects(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pull := zmq.NewPush(nil), zmq.NewPull(nil)
	e := testkit.ListenOn(t, pull, "tcp")
	for _, url := range []string{e.URL(), "zmtp+" + e.URL()} {
		_, err := push.DialWith(ctx, &spry.DialConfig{URL: url})
		testkit.Check(t, err)
	}
	for p := range push.Pipes() {
		if p.Dialect() != "zmtp" {
			t.Errorf("%s is spoken", p.Dialect())
		}
	}
	if _, err := push.DialWith(ctx, &spry.DialConfig{URL: "sp+" + e.URL()}); err == nil {
		t.Error("a socket that speaks ZeroMQ only dialed the Scalability Protocols")
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := push.DialWith(gone, &spry.DialConfig{URL: e.URL()}); err == nil {
		t.Error("dialed with a context that is over")
	}
	testkit.Shut(t, push, pull)

	older := zmq.NewDealer(&zmq.DealerOptions{Options: zmq.Options{Dialects: []string{"zmtp", "sp"}}})
	_, err := older.ListenWith(ctx, &spry.ListenConfig{URL: "tcp://127.0.0.1:0"})
	testkit.Wants(t, err, spry.ErrConfig, "Dialects", "zmtp")
	testkit.Shut(t, older)
}

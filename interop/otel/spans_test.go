// SPDX-License-Identifier: MIT

package otel_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/contrib/otel"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// recording returns options of sockets whose spans are recorded.
func recording(envelope bool) (spry.Options, *tracetest.SpanRecorder, *trace.TracerProvider) {
	spans := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	i := otel.New(&otel.Options{TracerProvider: provider, Envelope: envelope})
	return spry.Options{Interceptors: []spry.Interceptor{i}}, spans, provider
}

func named(spans *tracetest.SpanRecorder, name string) (found []trace.ReadOnlySpan) {
	for _, s := range spans.Ended() {
		if s.Name() == name {
			found = append(found, s)
		}
	}
	return found
}

// Messages that are received together are one span with a link to each that sent them; so is one that has a span to be below.
func TestBatchesHaveLinks(t *testing.T) {
	leak.Check(t)
	o, spans, provider := recording(true)
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
	ctx := testkit.Watchdog(t)
	testkit.Check(t, push.Send(ctx, []byte("a")))
	n, err := push.SendBodies(ctx, [][]byte{[]byte("b"), []byte("c")})
	if testkit.Check(t, err); n != 2 {
		t.Fatalf("sent %d", n)
	}
	testkit.Eventually(t, "all are queued", func() bool { return pull.Stats().Recv.Queued == 3 })
	batch := make([]*spry.Message, 3)
	for got := 0; got < 3; got += n {
		n, err = pull.RecvBatch(ctx, batch[got:])
		testkit.Check(t, err)
	}
	var linked, wanted []string
	for _, s := range named(spans, "receive pull") {
		if s.Parent().IsValid() && len(s.Links()) != 0 {
			t.Error("a span has both a parent and links")
		}
		for _, l := range s.Links() {
			linked = append(linked, l.SpanContext.SpanID().String())
		}
		if s.Parent().IsValid() {
			linked = append(linked, s.Parent().SpanID().String())
		}
	}
	sent := named(spans, "send push")
	if len(sent) != 2 {
		t.Fatalf("there are %d spans of sending", len(sent))
	}
	for i, s := range []trace.ReadOnlySpan{sent[0], sent[1], sent[1]} {
		wanted = append(wanted, s.SpanContext().SpanID().String())
		if got := string(batch[i].Bytes()); got != string(rune('a'+i)) {
			t.Errorf("message %d is %q", i, got)
		}
	}
	if !slices.Equal(linked, wanted) {
		t.Errorf("linked to %q, want %q", linked, wanted)
	}
	if !slices.Contains(sent[1].Attributes(), attribute.Int("messaging.batch.message_count", 2)) {
		t.Errorf("the batch has %v", sent[1].Attributes())
	}

	within, own := provider.Tracer("test").Start(ctx, "own")
	testkit.Check(t, push.Send(ctx, []byte("d")))
	m, err := pull.RecvMsg(within)
	testkit.Check(t, err)
	last := named(spans, "receive pull")
	if s := last[len(last)-1]; s.Parent().SpanID() != own.SpanContext().SpanID() || len(s.Links()) != 1 {
		t.Errorf("within a span, receiving has the parent %v and the links %v", s.Parent(), s.Links())
	}
	own.End()
	m.Release()
	testkit.Shut(t, push, pull)
}

// What goes to many is linked. Topics still match, because the envelope lies behind them.
func TestFanOutHasLinks(t *testing.T) {
	leak.Check(t)
	o, spans, _ := recording(true)
	pub := spry.NewPub(&spry.PubOptions{Options: o})
	e := testkit.ListenOn(t, pub, "inproc")
	ctx := testkit.Watchdog(t)
	var subs []*spry.Sub
	for range 3 {
		sub := spry.NewSub(&spry.SubOptions{Options: o})
		testkit.Check(t, sub.Subscribe("topic"))
		testkit.DialTo(t, sub, e)
		subs = append(subs, sub)
	}
	testkit.Check(t, pub.WaitSubscribers(ctx, "topic", 3))
	testkit.Check(t, pub.Send(ctx, []byte("topic body")))
	for _, sub := range subs {
		if body, err := sub.Recv(ctx); err != nil || string(body) != "topic body" {
			t.Errorf("received %q: %v", body, err)
		}
		testkit.Shut(t, sub)
	}
	testkit.Shut(t, pub)
	sent := named(spans, "send pub")[0].SpanContext()
	received := named(spans, "receive sub")
	if len(received) != 3 {
		t.Fatalf("there are %d spans of receiving", len(received))
	}
	for _, s := range received {
		if s.Parent().IsValid() || len(s.Links()) != 1 || s.Links()[0].SpanContext.SpanID() != sent.SpanID() {
			t.Errorf("receiving has the parent %v and the links %v", s.Parent(), s.Links())
		}
	}
}

// Frames of their own go over Routers and to XPubs; subscriptions of an XSub are left alone; and what is sent on stays in its trace.
func TestFramesOfTheirOwn(t *testing.T) {
	leak.Check(t)
	o, spans, _ := recording(true)
	ctx := testkit.Watchdog(t)
	router, dealer := zmq.NewRouter(&zmq.RouterOptions{Options: o}), zmq.NewDealer(&zmq.DealerOptions{Options: o})
	testkit.DialTo(t, dealer, testkit.ListenOn(t, router, "inproc"))
	testkit.Check(t, dealer.Send(ctx, []byte("a"), nil))
	m, err := router.RecvMsg(ctx)
	testkit.Check(t, err)
	var frames []string
	for _, f := range m.Frames() {
		frames = append(frames, string(f))
	}
	if len(frames) != 3 || frames[1] != "a" || frames[2] != "" {
		t.Errorf("the router received %q", frames)
	}
	testkit.Check(t, router.SendMsg(ctx, m)) // back
	if got, err := dealer.Recv(ctx); err != nil || len(got) != 2 {
		t.Errorf("the dealer received %q: %v", got, err)
	}
	back := named(spans, "receive dealer")
	if len(back) != 1 || back[0].SpanContext().TraceID() != named(spans, "send dealer")[0].SpanContext().TraceID() {
		t.Errorf("what comes back has the spans %v", back)
	}
	xpub, xsub := zmq.NewXPub(&zmq.XPubOptions{Options: o}), zmq.NewXSub(&zmq.XSubOptions{Options: o})
	testkit.DialTo(t, xsub, testkit.ListenOn(t, xpub, "inproc"))
	testkit.Check(t, xsub.Send(ctx, []byte("\x01topic")))
	testkit.Check(t, xpub.WaitSubscribers(ctx, "topic", 1))
	testkit.Shut(t, router, dealer, xpub, xsub)
}

// Without envelopes, peers get what was sent, and what an envelope would be is a body.
func TestEnvelopesAreOff(t *testing.T) {
	leak.Check(t)
	o, spans, _ := recording(false)
	on, _, _ := recording(true)
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(nil)
	speaking := spry.NewPush(&spry.PushOptions{Options: on})
	e := testkit.ListenOn(t, pull, "inproc")
	testkit.DialTo(t, push, e)
	ctx := testkit.Watchdog(t)
	testkit.Check(t, push.Send(ctx, []byte("body")))
	if body, err := pull.Recv(ctx); err != nil || string(body) != "body" {
		t.Errorf("received %q: %v", body, err)
	}
	testkit.DialTo(t, speaking, e)
	testkit.Check(t, speaking.Send(ctx, []byte("body")))
	if body, err := pull.Recv(ctx); err != nil || len(body) != 4+80 {
		t.Errorf("received %q: %v", body, err)
	}
	testkit.Shut(t, push, speaking, pull)
	if len(spans.Ended()) != 1 {
		t.Errorf("there are the spans %v", spans.Ended())
	}
}

// Failures are the status of a span: of a handler, of sending.
func TestFailuresAreReported(t *testing.T) {
	leak.Check(t)
	o, spans, _ := recording(true)
	o.Name = "calls"
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	req := spry.NewReq(&spry.ReqOptions{Options: o, FailFast: true})
	ctx := testkit.Watchdog(t)
	if _, err := req.Do(ctx, nil); !errors.Is(err, spry.ErrNoPeer) {
		t.Errorf("without a peer, Do says %v", err)
	}
	testkit.DialTo(t, req, testkit.ListenOn(t, rep, "inproc"))
	serving := make(chan error)
	go func() {
		serving <- rep.Serve(context.Background(), 1, spry.HandlerFunc(func(_ context.Context, r *spry.Request) { r.Fail(errors.New("bad")) }))
	}()
	c, err := req.Start(new(spry.Message))
	testkit.Check(t, err)
	testkit.Eventually(t, "the handler failed", func() bool { return len(named(spans, "process calls")) == 1 })
	c.Cancel()
	testkit.Shut(t, req, rep)
	testkit.Check(t, <-serving)
	for name, kind := range map[string]string{"send calls": "no_peer", "process calls": "_OTHER"} {
		if s := named(spans, name)[0]; s.Status().Code != codes.Error || !slices.Contains(s.Attributes(), attribute.String("error.type", kind)) {
			t.Errorf("%s has the status %v and %v", name, s.Status(), s.Attributes())
		}
	}
}

// The metrics of the SDK are the figures of sockets, without those of pipes, and the times that calls took.
func TestMetrics(t *testing.T) {
	leak.Check(t)
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	registration, err := otel.Register(&otel.RegisterOptions{MeterProvider: provider})
	testkit.Check(t, err)
	i := otel.New(&otel.Options{MeterProvider: provider})
	o := spry.Options{Name: "counted", Interceptors: []spry.Interceptor{i}}
	push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
	testkit.DialTo(t, push, testkit.ListenOn(t, pull, "inproc"))
	ctx := testkit.Watchdog(t)
	for range 3 {
		testkit.Check(t, push.Send(ctx, []byte("m")))
		_, err := pull.Recv(ctx)
		testkit.Check(t, err)
	}
	var all metricdata.ResourceMetrics
	testkit.Check(t, reader.Collect(ctx, &all))
	var sent, calls float64
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[float64]:
				for _, p := range data.DataPoints {
					if name, _ := p.Attributes.Value("name"); m.Name == "spry.sent_messages" && name.AsString() == "counted" {
						sent += p.Value
					}
					if p.Attributes.HasValue("pipe") {
						t.Errorf("%s is of a pipe", m.Name)
					}
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					if m.Name == "messaging.client.operation.duration" {
						calls += float64(p.Count)
					}
				}
			}
		}
	}
	if st := push.Stats().Send.Sent; sent != 3 || st != 3 || calls != 3 {
		t.Errorf("%v messages were sent in %v calls, of %d", sent, calls, st)
	}
	testkit.Check(t, registration.Unregister())
	testkit.Shut(t, push, pull)
}

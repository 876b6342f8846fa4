// SPDX-License-Identifier: MIT

package otel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	api "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/sprymq/spry"
)

const scope = "github.com/sprymq/spry/contrib/otel"

// Options are the options of [New]. The zero value has the defaults.
type Options struct {
	// TracerProvider makes the spans. Nil means the global one.
	TracerProvider trace.TracerProvider

	// MeterProvider measures how long calls take. Nil means the global one.
	MeterProvider metric.MeterProvider

	// Propagator says what an envelope has. Nil means the trace context and the baggage of W3C.
	Propagator propagation.TextMapPropagator

	// Envelope gives messages that are sent an envelope, and takes it from those received, if they have one. All receivers must
	// do this. Messages of a Rep or Respondent get none. Defaults to false.
	Envelope bool
}

// New returns an interceptor that traces sockets: give it to as many as you like. o may be nil. It records the time that each
// sending call and each handler took, as messaging.client.operation.duration and messaging.process.duration.
func New(o *Options) spry.Interceptor {
	i := new(interceptor)
	if o != nil {
		i.options = *o
	}
	if i.options.TracerProvider == nil {
		i.options.TracerProvider = api.GetTracerProvider()
	}
	if i.options.MeterProvider == nil {
		i.options.MeterProvider = api.GetMeterProvider()
	}
	if i.options.Propagator == nil {
		i.options.Propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	}
	i.tracer = i.options.TracerProvider.Tracer(scope)
	meter := i.options.MeterProvider.Meter(scope)
	i.sending = histogram(meter, "messaging.client.operation.duration", "Duration of sending calls; of requests, with their replies.")
	i.processing = histogram(meter, "messaging.process.duration", "Duration of handlers.")
	return i
}

func histogram(m metric.Meter, name, help string) metric.Float64Histogram {
	h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(help),
		metric.WithExplicitBucketBoundaries(0.000005, 0.00005, 0.0005, 0.005, 0.05, 0.5, 5, 50))
	if err != nil { // which is of the SDK; what it returns can be used all the same
		api.Handle(err)
	}
	return h
}

type interceptor struct {
	options             Options
	tracer              trace.Tracer
	sending, processing metric.Float64Histogram
}

// An operation is the part of a span that is known when it begins.
type operation struct {
	name  string // as in messaging.operation.name
	kind  trace.SpanKind
	begun time.Time
	base  []attribute.KeyValue
}

func begin(o *spry.Operation, name string, kind trace.SpanKind) *operation {
	destination := o.Socket().Name()
	if destination == "" {
		destination = o.Socket().Protocol().String()
	}
	return &operation{name + " " + destination, kind, time.Now(), []attribute.KeyValue{
		attribute.String("messaging.system", "spry"),
		attribute.String("messaging.operation.name", name),
		attribute.String("messaging.operation.type", name),
		attribute.String("messaging.destination.name", strings.ToValidUTF8(destination, "\uFFFD")),
		attribute.String("spry.protocol", o.Socket().Protocol().String()),
	}}
}

// start starts the span, of these messages.
func (i *interceptor) start(ctx context.Context, op *operation, ms []*spry.Message, links []trace.Link) (context.Context, trace.Span) {
	attributes := slices.Clip(op.base)
	if len(ms) == 1 {
		attributes = append(attributes, attribute.Int("messaging.message.body.size", ms[0].Len()))
	} else {
		attributes = append(attributes, attribute.Int("messaging.batch.message_count", len(ms)))
	}
	return i.tracer.Start(ctx, op.name, trace.WithSpanKind(op.kind), trace.WithAttributes(attributes...), trace.WithLinks(links...))
}

// end ends the span and records its time.
func (op *operation) end(ctx context.Context, span trace.Span, h metric.Float64Histogram, err error) {
	if err != nil {
		kind := attribute.String("error.type", errorType(err))
		op.base = append(op.base, kind)
		span.SetAttributes(kind)
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
	h.Record(ctx, time.Since(op.begun).Seconds(), metric.WithAttributes(op.base...))
}

// errorType is one of few texts for each error.
func errorType(err error) string {
	for known, name := range map[error]string{
		context.Canceled: "canceled", context.DeadlineExceeded: "timeout", spry.ErrClosed: "closed", spry.ErrNoPeer: "no_peer",
		spry.ErrPipeClosed: "pipe_closed", spry.ErrWouldBlock: "would_block", spry.ErrGivenUp: "given_up", spry.ErrStalled: "stalled",
		spry.ErrTooLarge: "too_large", spry.ErrMultipart: "multipart",
	} {
		if errors.Is(err, known) {
			return name
		}
	}
	return "_OTHER"
}

// WrapSend implements [spry.Interceptor].
func (i *interceptor) WrapSend(next spry.OperationFunc) spry.OperationFunc {
	return func(ctx context.Context, o *spry.Operation) error {
		kind, protocol := trace.SpanKindProducer, o.Socket().Protocol()
		if protocol == spry.ProtocolReq || protocol == spry.ProtocolSurveyor {
			kind = trace.SpanKindClient
		}
		ms := o.Messages()
		op := begin(o, "send", kind)
		ctx, span := i.start(continued(ctx, o), op, ms, nil)
		if i.options.Envelope && protocol != spry.ProtocolRep && protocol != spry.ProtocolRespondent {
			i.seal(ctx, o)
		}
		err := next(ctx, o)
		op.end(ctx, span, i.sending, err)
		return err
	}
}

// continued returns ctx with the trace of the request that is answered, or of the received message that is sent on, if ctx has none.
func continued(ctx context.Context, o *spry.Operation) context.Context {
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	from := o.Messages()[0].Context()
	if r := o.Request(); r != nil {
		from = r.Message().Context()
	}
	return trace.ContextWithSpanContext(ctx, trace.SpanContextFromContext(from))
}

// seal gives the messages envelopes with the context.
func (i *interceptor) seal(ctx context.Context, o *spry.Operation) {
	carrier := propagation.MapCarrier{}
	i.options.Propagator.Inject(ctx, carrier)
	envelope := appendEnvelope(nil, carrier)
	if len(envelope) == 0 {
		return
	}
	for _, m := range o.Messages() {
		frames := framesOf(m)
		last := frames[len(frames)-1]
		switch {
		case !o.Multipart():
			frames[len(frames)-1] = slices.Concat(last, envelope)
			m.SetFrames(frames...)
		case subscribes(o, frames):
		default:
			m.AppendFrame(envelope)
		}
	}
}

// subscribes reports whether an XSub sends a subscription, which is no message.
func subscribes(o *spry.Operation, frames [][]byte) bool {
	return o.Socket().Protocol().String() == "xsub" && len(frames) == 1 && len(frames[0]) > 0 && frames[0][0] <= 1
}

func framesOf(m *spry.Message) (frames [][]byte) {
	for _, f := range m.Frames() {
		frames = append(frames, f)
	}
	return frames
}

// open takes the envelope from a message, and gives the message its context.
func (i *interceptor) open(m *spry.Message) {
	frames := framesOf(m)
	last := len(frames) - 1
	body, fields, found := cutEnvelope(frames[last])
	if !found {
		return
	}
	if frames[last] = body; len(body) == 0 && last > 0 {
		frames = frames[:last]
	}
	m.SetFrames(frames...)
	m.SetContext(i.options.Propagator.Extract(m.Context(), propagation.MapCarrier(fields)))
}

// WrapRecv implements [spry.Interceptor].
func (i *interceptor) WrapRecv(next spry.OperationFunc) spry.OperationFunc {
	return func(ctx context.Context, o *spry.Operation) error {
		err := next(ctx, o)
		ms := o.Messages()
		var links []trace.Link
		for _, m := range ms {
			if i.options.Envelope {
				i.open(m)
			}
			if from := trace.SpanContextFromContext(m.Context()); from.IsValid() {
				links = append(links, trace.Link{SpanContext: from})
			}
		}
		protocol := o.Socket().Protocol()
		if err != nil || len(ms) == 0 || protocol == spry.ProtocolReq || protocol == spry.ProtocolSurveyor { // within the span that asked
			return err
		}
		if len(ms) == 1 && len(links) == 1 && !fansOut(protocol) && !trace.SpanContextFromContext(ctx).IsValid() {
			ctx, links = trace.ContextWithRemoteSpanContext(ctx, links[0].SpanContext), nil
		}
		_, span := i.start(ctx, begin(o, "receive", trace.SpanKindConsumer), ms, links)
		for _, m := range ms {
			m.SetContext(trace.ContextWithSpan(m.Context(), span))
		}
		span.End() // when the messages are delivered; their wait is the sender's
		return nil
	}
}

// fansOut reports whether what a socket of this protocol receives is one of many copies.
func fansOut(p spry.Protocol) bool {
	return slices.Contains([]string{"sub", "bus", "xsub", "dish"}, p.String())
}

// WrapHandle implements [spry.Interceptor].
func (i *interceptor) WrapHandle(next spry.OperationFunc) spry.OperationFunc {
	return func(ctx context.Context, o *spry.Operation) error {
		from := o.Messages()[0].Context()
		op := begin(o, "process", trace.SpanKindConsumer)
		ctx = baggage.ContextWithBaggage(ctx, baggage.FromContext(from))
		ctx = trace.ContextWithSpanContext(ctx, trace.SpanContextFromContext(from))
		ctx, span := i.start(ctx, op, o.Messages(), nil)
		err := next(ctx, o)
		op.end(ctx, span, i.processing, err)
		return err
	}
}

// SPDX-License-Identifier: MIT

package otel_test

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/contrib/otel"
)

func Example_tracing() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// Both ends have the same options: the context of a trace travels in an envelope around each message.
	tracing := otel.New(&otel.Options{Envelope: true, Propagator: propagation.TraceContext{}})
	o := spry.Options{Name: "jobs", Interceptors: []spry.Interceptor{tracing}}
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	defer rep.Close()
	e, err := rep.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	go rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		within := trace.SpanContextFromContext(ctx).TraceID() // spans that start of ctx are of the caller's trace
		_ = r.Reply(ctx, fmt.Appendf(nil, "%s in trace %s", r.Bytes(), within))
	}))

	req := spry.NewReq(&spry.ReqOptions{Options: o})
	defer req.Close()
	_, err = req.Dial(ctx, e.URL())
	check(err)
	caller := trace.NewSpanContext(trace.SpanContextConfig{ // a program: tracer.Start
		TraceID: trace.TraceID{15: 7}, SpanID: trace.SpanID{7: 1}, TraceFlags: trace.FlagsSampled,
	})
	reply, err := req.Do(trace.ContextWithSpanContext(ctx, caller), []byte("work"))
	check(err)
	fmt.Printf("%s\n", reply)
	// Output: work in trace 00000000000000000000000000000007
}

// check ends a program that does not work.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// SPDX-License-Identifier: MIT

package otel_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/contrib/otel"
)

// A worker continues the trace of the job that it received.
func ExampleNew() {
	tracing := []spry.Interceptor{otel.New(&otel.Options{Envelope: true})}
	ctx := context.Background()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Name: "jobs", Interceptors: tracing}})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Name: "jobs", Interceptors: tracing}})
	defer push.Close()
	if _, err := pull.Listen(ctx, "inproc://traced-jobs"); err != nil {
		log.Fatal(err)
	}
	if _, err := push.Dial(ctx, "inproc://traced-jobs"); err != nil {
		log.Fatal(err)
	}
	if err := push.Send(ctx, []byte("a job")); err != nil {
		log.Fatal(err)
	}
	m, err := pull.RecvMsg(ctx)
	if err != nil {
		log.Fatal(err)
	}
	work(m.Context(), m.Bytes())
	// Output: a job
}

// work may start spans of ctx, and send with it.
func work(_ context.Context, job []byte) { fmt.Println(string(job)) }

// The figures of all sockets of the process go to the program's MeterProvider.
func ExampleRegister() {
	registration, err := otel.Register(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer registration.Unregister()
}

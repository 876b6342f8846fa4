// SPDX-License-Identifier: MIT

package otel_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/contrib/otel"
	"github.com/sprymq/spry/zmq"
)

// roles are what the processes of TestTracesJoin do. The first argument is the address of the receiver.
var roles = map[string]func(args ...string) error{"requester": requester, "server": server, "sink": sink}

// traced calls f with the options of sockets whose spans are exported under this name.
func traced(name, receiver string, f func(ctx context.Context, o spry.Options) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(receiver), otlptracehttp.WithInsecure())
	if err != nil {
		return err
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(resource.NewSchemaless(attribute.String("service.name", name))))
	interceptor := otel.New(&otel.Options{TracerProvider: provider, Envelope: true})
	err = f(ctx, spry.Options{Interceptors: []spry.Interceptor{interceptor}})
	if end := provider.Shutdown(ctx); err == nil {
		err = end
	}
	return err
}

// requester asks once.
func requester(args ...string) error {
	return traced("requester", args[0], func(ctx context.Context, o spry.Options) error {
		o.Name = "orders"
		req := spry.NewReq(&spry.ReqOptions{Options: o})
		defer req.Close()
		if _, err := req.Dial(ctx, args[1]); err != nil {
			return err
		}
		reply, err := req.Do(ctx, []byte("an order"))
		fmt.Println("reply", string(reply))
		return err
	})
}

// server answers requests by what they are, and sends each on as a job.
func server(args ...string) error {
	return traced("server", args[0], func(ctx context.Context, o spry.Options) error {
		o.Name = "jobs"
		push := zmq.NewPush(&zmq.PushOptions{Options: o})
		defer push.Close()
		if _, err := push.Dial(ctx, args[1]); err != nil {
			return err
		}
		o.Name = "orders"
		rep := spry.NewRep(&spry.RepOptions{Options: o})
		defer rep.Close()
		e, err := rep.Listen(ctx, "tcp://127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println("url", e.URL())
		serving, stop := context.WithCancel(ctx)
		go func() { waitForLine(); stop() }()
		err = rep.Serve(serving, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			if err := push.Send(ctx, r.Bytes()); err != nil {
				r.Fail(err)
				return
			}
			r.Fail(r.Reply(ctx, r.Bytes()))
		}))
		if serving.Err() != nil {
			return nil
		}
		return err
	})
}

// sink receives jobs.
func sink(args ...string) error {
	return traced("sink", args[0], func(ctx context.Context, o spry.Options) error {
		o.Name = "jobs"
		pull := zmq.NewPull(&zmq.PullOptions{Options: o})
		e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println("url", e.URL())
		go func() { waitForLine(); _ = pull.Close() }()
		for m, err := range pull.Messages(ctx) {
			if err != nil {
				return err
			}
			frames := 0
			for range m.Frames() {
				frames++
			}
			fmt.Println("job", string(m.Bytes()), frames)
		}
		return nil
	})
}

func waitForLine() { bufio.NewScanner(os.Stdin).Scan() }

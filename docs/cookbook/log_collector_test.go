// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry"
)

// A logWriter sends what is written to it, and drops it rather than wait.
type logWriter struct {
	push    *spry.Push
	dropped atomic.Int64
}

func (w *logWriter) Write(line []byte) (int, error) {
	if err := w.push.TrySendMsg(spry.WrapMessage(bytes.Clone(line), nil)); err != nil {
		w.dropped.Add(1) // the collector is slow, or not there
	}
	return len(line), nil
}

func Example_logCollector() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	collector := spry.NewPull(nil)
	defer collector.Close()
	here, err := collector.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)

	for _, service := range []string{"billing", "search", "web"} {
		push := spry.NewPush(nil)
		_, err := push.Dial(ctx, here.URL()) // a service that must start without it: Connect
		check(err)
		w := &logWriter{push: push}
		logger := slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		logger.Info("started", "service", service)
		check(push.Shutdown(ctx)) // sends what is queued; Close does so for a second at most
	}

	var lines []string
	for range 3 {
		line, err := collector.Recv(ctx)
		check(err)
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Print(line)
	}
	// Output:
	// {"level":"INFO","msg":"started","service":"billing"}
	// {"level":"INFO","msg":"started","service":"search"}
	// {"level":"INFO","msg":"started","service":"web"}
}

// SPDX-License-Identifier: MIT

package stress_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/ws"
)

func init() { children["idle"] = idleChild }

// everyTransport are options for tcp and WebSocket.
var everyTransport = spry.Options{Transports: []transport.Transport{tcp.Transport{}, ws.Transport{}}}

// idleChild has SPRY_STRESS_COUNT connections to the address SPRY_STRESS_URL until its input ends. Each has sent a message.
func idleChild() error {
	push := spry.NewPush(&spry.PushOptions{Options: everyTransport})
	defer push.Close()
	n, err := strconv.Atoi(os.Getenv("SPRY_STRESS_COUNT"))
	if err != nil {
		return err
	}
	for range n {
		c := &spry.DialConfig{URL: os.Getenv("SPRY_STRESS_URL"), TLS: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // a test
		if _, err := push.DialWith(context.Background(), c); err != nil {
			return err
		}
		if err := push.Send(context.Background(), []byte("hello")); err != nil {
			return err
		}
	}
	_, _ = os.Stdout.WriteString("ready\n")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// T07: idle connections cost little memory, and a goroutine each. 10,000 of each kind with SPRY_LONG=1.
func TestIdleConnections(t *testing.T) {
	n := testkit.Figure(200, 10_000)
	for scheme, bound := range map[string]int{
		"tcp": 14 << 10, "ws": 14 << 10, "wss": 24 << 10, "zmtp+ws": 18 << 10, "zmtp+wss": 30 << 10,
	} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			pull := spry.NewPull(&spry.PullOptions{Options: everyTransport})
			testkit.CloseAll(t, pull)
			e := testkit.ListenOn(t, pull, scheme)
			before, stacks, goroutines := testkit.Heap(), stackInUse(), runtime.NumGoroutine()
			c := child(t, "idle", "SPRY_STRESS_URL="+e.URL(), "SPRY_STRESS_COUNT="+strconv.Itoa(n))
			in, err := c.StdinPipe()
			testkit.Check(t, err)
			out, err := c.StdoutPipe()
			testkit.Check(t, err)
			testkit.Check(t, c.Start())
			t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
			for range n {
				_, err := pull.Recv(ctx)
				testkit.Check(t, err)
			}
			if s, err := bufio.NewReader(out).ReadString('\n'); err != nil {
				t.Fatalf("the clients: %q, %v", s, err)
			}
			testkit.Eventually(t, "a goroutine for each connection", func() bool { return runtime.NumGoroutine() <= goroutines+n })
			if testkit.Race {
				bound *= 2
			}
			heap, stack := int(testkit.Heap()-before)/n, (stackInUse()-stacks)/n
			if got := len(slices.Collect(pull.Pipes())); got != n || heap+stack > bound {
				t.Errorf("each of %d connections takes %d bytes of heap and %d of stack, together at most %d are allowed", got, heap, stack, bound)
			}
			t.Logf("T07 %s: %d idle connections, %d bytes of heap and %d of stack each", scheme, n, heap, stack)
		})
	}
}

func stackInUse() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.StackInuse)
}

// SPDX-License-Identifier: MIT

package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

const (
	streamsAddress = "SPRY_GATEWAY_ADDRESS"
	streamsCount   = "SPRY_GATEWAY_STREAMS"
)

// TestMain is also the process with the clients of TestIdleStreams.
func TestMain(m *testing.M) {
	if address := os.Getenv(streamsAddress); address != "" {
		if err := haveStreams(address, os.Getenv(streamsCount)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// haveStreams reads the beginning of each of many streams, and then one event of each, and writes a line for all. It keeps them until its
// input ends.
func haveStreams(address, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	conns := make([]net.Conn, n)
	for i := range conns {
		if conns[i], err = net.Dial("tcp", address); err != nil {
			return err
		}
		if _, err := io.WriteString(conns[i], "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			return err
		}
		if err := readUntil(conns[i], "\n\n"); err != nil {
			return err
		}
	}
	fmt.Println("all begun")
	for _, c := range conns {
		if err := readUntil(c, "\"hello\"}\n\n"); err != nil {
			return err
		}
	}
	fmt.Println("all have it")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// readUntil reads from a connection up to a text.
func readUntil(c net.Conn, text string) error {
	got, buf := "", make([]byte, 512)
	for !strings.Contains(got, text) {
		n, err := c.Read(buf)
		if err != nil {
			return fmt.Errorf("after %q: %w", got, err)
		}
		got += string(buf[:n])
	}
	return nil
}

// Streams of events that wait cost little memory, and get an event all of them. There are 10,000 with SPRY_LONG=1.
func TestIdleStreams(t *testing.T) {
	leak.Check(t)
	n := testkit.Figure(300, 10_000)
	pub, sub := closes(t, spry.NewPub(nil)), closes(t, spry.NewSub(nil))
	testkit.Check(t, sub.Subscribe(""))
	pair(t, pub, sub)
	testkit.Check(t, pub.WaitSubscribers(t.Context(), "", 1))
	events := gateway.NewEvents(sub, &gateway.EventOptions{Options: gateway.Options{MaxRequests: n, MaxPerClient: n}})
	server := gateway.NewServer(events)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Check(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()

	before, stacks := testkit.Heap(), stackInUse()
	self, err := os.Executable()
	testkit.Check(t, err)
	child := exec.Command(self)
	child.Env = append(os.Environ(), streamsAddress+"="+l.Addr().String(), fmt.Sprint(streamsCount, "=", n))
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	testkit.Check(t, err)
	out, err := child.StdoutPipe()
	testkit.Check(t, err)
	testkit.Check(t, child.Start())
	lines := bufio.NewScanner(out)
	wait := func(want string) {
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
			t.Log(lines.Text())
		}
		t.Errorf("the clients ended before %q", want)
	}
	wait("all begun")
	heap, stack := int(testkit.Heap()-before)/n, (stackInUse()-stacks)/n
	bound := 36 << 10
	if testkit.Race {
		bound *= 2
	}
	if open := events.Handler.Stats().Open; open != n || heap+stack > bound {
		t.Errorf("each of %d streams takes %d bytes of heap and %d of stack, together at most %d are allowed", open, heap, stack, bound)
	}
	t.Logf("%d waiting streams, %d bytes of heap and %d of stack each", n, heap, stack)
	testkit.Check(t, pub.Send(context.Background(), []byte("hello")))
	wait("all have it")
	_ = in.Close()
	testkit.Check(t, child.Wait())
	testkit.Check(t, events.Close())
	testkit.Check(t, server.Shutdown(t.Context()))
	if err := <-served; err != http.ErrServerClosed {
		t.Error(err)
	}
}

func stackInUse() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.StackInuse)
}

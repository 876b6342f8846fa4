// SPDX-License-Identifier: MIT

//go:build unix

package stress_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// poorVariable names the environment variable that makes TestSocketsOutliveALackOfDescriptors the process with few file descriptors; it has
// the address that its dialers are to dial.
const poorVariable = "SPRY_TEST_FEW_DESCRIPTORS"

const fewDescriptors = 256

// T13: a process that may open 256 files has more dialers and more clients than that. Its listener outlives it, nobody takes a
// processor for trying again, events tell of it, and when there is room it works again.
func TestSocketsOutliveALackOfDescriptors(t *testing.T) {
	if peer := os.Getenv(poorVariable); peer != "" {
		poorProcess(t, peer)
		return
	}
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	n := testkit.Figure(400, 1000)
	pull := spry.NewPull(nil) // which the dialers reach
	defer pull.Close()
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	testkit.Check(t, err)

	poor := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestSocketsOutliveALackOfDescriptors$", "-test.v")
	poor.Env = append(os.Environ(), poorVariable+"="+e.URL(), fmt.Sprintf("SPRY_TEST_DIALERS=%d", n))
	orders, err := poor.StdinPipe()
	testkit.Check(t, err)
	out, err := poor.StdoutPipe()
	testkit.Check(t, err)
	poor.Stderr = os.Stderr
	testkit.Check(t, poor.Start())
	answers := bufio.NewScanner(out)
	url := answerOf(t, answers, "listening ")
	clients := make([]net.Conn, 0, n)
	for range n { // the kernel takes them, whether or not the process does
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "tcp://"))
		testkit.Check(t, err)
		defer c.Close()
		clients = append(clients, c)
	}
	_, _ = io.WriteString(orders, "starve\n")
	t.Log("T13: " + answerOf(t, answers, "starved "))
	for _, c := range clients {
		_ = c.Close()
	}
	_, _ = io.WriteString(orders, "recover\n")
	push := spry.NewPush(nil)
	defer push.Close()
	_, err = push.Connect(url)
	testkit.Check(t, err)
	testkit.Check(t, push.Send(ctx, []byte("good")))
	answerOf(t, answers, "recovered")
	_, _ = io.WriteString(orders, "end\n")
	_ = orders.Close()
	rest := ""
	for answers.Scan() {
		rest += answers.Text() + "\n"
	}
	if err := poor.Wait(); err != nil {
		t.Errorf("the process with few descriptors: %v\n%s", err, rest)
	}
}

// answerOf reads what the other process prints, up to a line with this prefix.
func answerOf(t *testing.T, answers *bufio.Scanner, prefix string) string {
	t.Helper()
	seen := ""
	for answers.Scan() {
		if rest, ok := strings.CutPrefix(answers.Text(), prefix); ok {
			return rest
		}
		seen += answers.Text() + "\n"
	}
	t.Fatalf("the other process ended without saying %q, but\n%s", prefix, seen)
	return ""
}

// poorProcess is the process with few file descriptors.
func poorProcess(t *testing.T, peer string) {
	leak.Check(t)
	var limit syscall.Rlimit
	testkit.Check(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur = fewDescriptors
	testkit.Check(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	ctx := testkit.Watchdog(t)
	orders := bufio.NewScanner(os.Stdin)
	order := func(want string) {
		if !orders.Scan() || orders.Text() != want {
			t.Fatalf("told %q, want %q", orders.Text(), want)
		}
	}
	var refused, failed atomic.Int64 // calls of Accept, attempts to dial
	o := spry.Options{
		Backoff: spry.Backoff{Min: 10 * time.Millisecond, Max: time.Second},
		Trace: func(e spry.Event) {
			switch e.Kind {
			case spry.EventAcceptFailed:
				refused.Add(1)
			case spry.EventDialFailed:
				failed.Add(1)
			}
		},
	}
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	testkit.Check(t, err)
	fmt.Println("listening " + e.URL())
	order("starve")
	push := spry.NewPush(&spry.PushOptions{Options: o})
	var dialers int
	_, err = fmt.Sscan(os.Getenv("SPRY_TEST_DIALERS"), &dialers)
	testkit.Check(t, err)
	began, used := time.Now(), cpuTime(t)
	for range dialers {
		_, err := push.DialWith(ctx, &spry.DialConfig{URL: peer, Background: true})
		testkit.Check(t, err)
	}
	testkit.Eventually(t, "the process is out of descriptors at both ends", func() bool { return refused.Load() > 2 && failed.Load() > 2 })
	if took, most := cpuTime(t)-used, 5*time.Second+time.Since(began)/2; took > most {
		t.Errorf("being out of descriptors for %v took %v of a processor", time.Since(began), took)
	}
	// Pauses grow from 10 ms to a second, and begin anew whenever there was a descriptor after all.
	if calls, most := refused.Load(), 100+int64(time.Since(began)/(10*time.Millisecond)); calls > most {
		t.Errorf("Accept failed %d times within %v", calls, time.Since(began))
	}
	fmt.Printf("starved %d calls of Accept and %d attempts to dial failed within %v\n", refused.Load(), failed.Load(), time.Since(began).Round(time.Millisecond))
	order("recover")
	testkit.Check(t, closeWithin(push))
	body, err := pull.Recv(ctx)
	if err != nil || string(body) != "good" {
		t.Fatalf("received %q, %v", body, err)
	}
	fmt.Println("recovered")
	order("end")
	testkit.Check(t, pull.Close())
}

func closeWithin(s interface{ Shutdown(context.Context) error }) error {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	return s.Shutdown(ctx)
}

// cpuTime is what the process has taken of processors so far.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	testkit.Check(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// SPDX-License-Identifier: MIT

//go:build unix

package main_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
)

// shortAddresses makes a folder, and returns it and addresses within it. Its path is short, as that of a socket has to be.
func shortAddresses(t *testing.T, scheme string) (folder string, at func(name string) string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "spry-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder, func(name string) string { return scheme + filepath.Join(folder, name) }
}

// A proxy file under load whose devices change again and again: pipelines and requests lose nothing and repeat nothing, whether their
// device changed or not, and a forwarder that did not change loses nothing either.
func TestProxyReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	const reloads = 20
	folder, at := shortAddresses(t, "ipc://")
	file := filepath.Join(folder, "proxy.toml")
	write := func(version int) {
		text := fmt.Sprintf("# version %d\n", version)
		for _, d := range []struct {
			kind    string
			changes bool
		}{{"queue", version%2 == 0}, {"streamer", version%3 == 0}, {"forwarder", false}} {
			text += fmt.Sprintf("[[device]]\nname = %q\nkind = %q\nfront = %q\nback = %q\n", d.kind, d.kind, at(d.kind+"f"), at(d.kind+"b"))
			if d.changes {
				text += fmt.Sprintf("queue = %d\n", 1000+version)
			}
		}
		if version%5 == 0 {
			text += "[[device]]\nkind = 1\n" // a mistake
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	proxy := start(t, nil, "proxy", "-c", file)
	proxy.await(proxy.stderr, `(?s)(listening at.*){6}`)

	options := spry.Options{Backoff: spry.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond}}
	var stop atomic.Bool
	var working sync.WaitGroup
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	connect := func(s interface {
		Connect(url string) (*spry.Endpoint, error)
	}, name string,
	) {
		_, err := s.Connect(at(name))
		check(err)
	}

	// The pipeline.
	push, pull := spry.NewPush(&spry.PushOptions{Options: options}), spry.NewPull(&spry.PullOptions{Options: options})
	defer push.Close()
	defer pull.Close()
	connect(push, "streamerf")
	connect(pull, "streamerb")
	var jobs, pulled atomic.Int64
	working.Go(func() {
		for !stop.Load() {
			if jobs.Load()-pulled.Load() > 5000 {
				time.Sleep(time.Millisecond)
				continue
			}
			check(push.Send(t.Context(), []byte(strconv.FormatInt(jobs.Add(1), 10))))
		}
	})
	done := map[string]int{}
	pulling, stopPulling := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			body, err := pull.Recv(pulling)
			if err != nil {
				return
			}
			done[string(body)]++
			pulled.Add(1)
		}
	}()

	// Requests.
	rep := spry.NewRep(&spry.RepOptions{Options: options})
	defer rep.Close()
	connect(rep, "queueb")
	var mu sync.Mutex
	answered := map[string]int{}
	go func() {
		for {
			q, err := rep.Recv(t.Context())
			if err != nil {
				return
			}
			mu.Lock()
			answered[string(q.Message().Bytes())]++
			mu.Unlock()
			_ = q.Reply(t.Context(), q.Message().Bytes())
		}
	}()
	var asked atomic.Int64
	for i := range 4 {
		req := spry.NewReq(&spry.ReqOptions{Options: options})
		defer req.Close()
		connect(req, "queuef")
		working.Go(func() {
			for n := 0; !stop.Load(); n++ {
				text := fmt.Sprintf("%d-%d", i, n)
				reply, err := req.Do(t.Context(), []byte(text))
				if check(err); string(reply) != text {
					t.Errorf("%q was answered with %q", text, reply)
				}
				asked.Add(1)
			}
		})
	}

	// News.
	pub, sub := spry.NewPub(&spry.PubOptions{Options: options, Overflow: spry.Block}), spry.NewSub(&spry.SubOptions{Options: options, Overflow: spry.Block})
	defer pub.Close()
	defer sub.Close()
	check(sub.Subscribe(""))
	connect(pub, "forwarderf")
	connect(sub, "forwarderb")
	check(sub.WaitPipes(t.Context(), 1))
	check(pub.WaitPipes(t.Context(), 1))
	var heard atomic.Int64
	hearing := make(chan struct{})
	go func() { // what was sent before the proxy had its subscriber is missing
		defer close(hearing)
		next := 0
		for {
			body, err := sub.Recv(t.Context())
			if errors.Is(err, spry.ErrClosed) || errors.Is(err, context.Canceled) {
				return
			}
			n, _ := strconv.Atoi(string(body))
			if next != 0 && n != next {
				t.Errorf("news %d came instead of %d", n, next)
			}
			next = n + 1
			heard.Store(int64(n))
			if n == -1 {
				return
			}
		}
	}()
	var said int64
	working.Go(func() {
		for !stop.Load() {
			if h := heard.Load(); h > 0 && said-h > 500 {
				time.Sleep(time.Millisecond)
				continue
			} else if h == 0 {
				time.Sleep(time.Millisecond)
			}
			said++
			check(pub.Send(t.Context(), []byte(strconv.FormatInt(said, 10))))
		}
	})

	for version := 2; version < 2+reloads; version++ {
		write(version)
		seen := strings.Count(proxy.stderr(), "was read again") + strings.Count(proxy.stderr(), "stay as they were")
		before, jobsBefore := asked.Load(), pulled.Load()
		if err := proxy.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		proxy.await(proxy.stderr, fmt.Sprintf(`(?s)((was read again|stay as they were).*){%d}`, seen+1))
		for asked.Load() < before+20 || pulled.Load() < jobsBefore+20 { // it works again
			select {
			case <-proxy.exited:
				t.Fatalf("the proxy ended: %s", proxy.stderr())
			case <-time.After(time.Millisecond):
			}
		}
	}
	stop.Store(true)
	working.Wait()
	for pulled.Load() < jobs.Load() || heard.Load() < said {
		select {
		case <-proxy.exited:
			t.Fatalf("the proxy ended: %s", proxy.stderr())
		case <-time.After(time.Millisecond):
		}
	}
	stopPulling()
	<-ended
	sub.Close()
	<-hearing
	if int64(len(done)) != jobs.Load() || pulled.Load() != jobs.Load() {
		t.Errorf("%d jobs: %d came, %d of them different", jobs.Load(), pulled.Load(), len(done))
	}
	mu.Lock()
	defer mu.Unlock()
	for text, n := range answered {
		if n != 1 {
			t.Errorf("request %s came %d times", text, n)
		}
	}
	if int64(len(answered)) != asked.Load() {
		t.Errorf("%d requests of %d came", len(answered), asked.Load())
	}
	t.Logf("%d jobs, %d requests, %d news", jobs.Load(), asked.Load(), said)
	proxy.interrupt()
	proxy.expect(0, "")
}

// A tap shows what passes, with where it goes.
func TestTap(t *testing.T) {
	t.Parallel()
	folder, at := shortAddresses(t, "ipc://")
	file := filepath.Join(folder, "proxy.toml")
	text := fmt.Sprintf("[[device]]\nname = \"jobs\"\nkind = \"streamer\"\nfront = %q\nback = %q\ntap = %q\n", at("f"), at("b"), at("t"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := start(t, nil, "proxy", "-c", file)
	proxy.await(proxy.stderr, `(?s)(listening at.*){3}`)
	plain := start(t, nil, "tap", "--dial", at("t"), "--device", "jobs", "--to", "back", "-n", "1", "-v")
	lines := start(t, nil, "tap", "--dial", "zmtp+"+at("t"), "--json", "-n", "1", "-v")
	plain.await(plain.stderr, `pipe_up()`)
	lines.await(lines.stderr, `pipe_up()`)
	pull := start(t, nil, "pull", "--dial", at("b"))
	push := start(t, nil, "push", "--dial", at("f"), "-D", "x", "--interval", "20ms") // until ZeroMQ's subscription is there
	plain.expect(0, "x\n")
	if code := lines.wait(); code != 0 || !strings.Contains(lines.stdout(), `"device":"jobs","to":"back"`) || !strings.Contains(lines.stdout(), `"body":"x"`) {
		t.Errorf("exit %d: %s", code, lines.stdout())
	}
	push.interrupt()
	push.wait()
	pull.interrupt()
	pull.wait()
	proxy.interrupt()
	proxy.expect(0, "")
	proxy.await(proxy.stderr, `tap: [1-9]\d* copied()`)
}

// A proxy that ends passes its messages on, however slowly it may, and the tap of a secured device is as closed as its sides.
func TestProxyPassesOnWhatItHas(t *testing.T) {
	t.Parallel()
	for kind, verbs := range map[string][2][]string{
		"streamer": {{"push"}, {"pull", "-n", "40"}},
		"bus":      {{"bus", "--recv-count", "0"}, {"bus", "--recv-count", "40"}},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			folder, at := shortAddresses(t, "ipc://")
			file := filepath.Join(folder, "proxy.toml")
			text := fmt.Sprintf("linger = \"20s\"\n[[device]]\nname = \"d\"\nkind = %q\nfront = %q\nback = %q\nrate = \"100/s\"\n", kind, at("f"), at("b"))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			proxy := start(t, nil, "proxy", "-c", file)
			proxy.await(proxy.stderr, `(?s)(listening at.*){2}`)
			receiver := start(t, nil, append(verbs[1], "--dial", at("b"), "-v")...)
			receiver.await(receiver.stderr, `pipe_up()`)
			sender := start(t, nil, append(verbs[0], "--dial", at("f"), "-D", "x", "-n", "40")...)
			sender.expect(0, "")
			proxy.interrupt()
			receiver.expect(0, strings.Repeat("x\n", 40))
			proxy.expect(0, "")
		})
	}
}

// The tap of a device with passwords wants them as well: its copies are what the sides protect.
func TestTapIsSecuredAsItsDevice(t *testing.T) {
	t.Parallel()
	folder, at := shortAddresses(t, "zmtp+ipc://")
	file, passwords, password := filepath.Join(folder, "proxy.toml"), filepath.Join(folder, "passwords"), filepath.Join(folder, "password")
	text := fmt.Sprintf("[[device]]\nname = \"d\"\nkind = \"streamer\"\nfront = %q\nback = %q\ntap = %q\nplain-server = %q\n", at("f"), at("b"), at("t"), passwords)
	for path, content := range map[string]string{file: text, passwords: "alice=correct\n", password: "correct\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	proxy := start(t, nil, "proxy", "-c", file)
	proxy.await(proxy.stderr, `(?s)(listening at.*){3}`)
	stranger := start(t, nil, "sub", "--dial", at("t"), "-v")
	stranger.await(stranger.stderr, `reject()`)
	stranger.interrupt()
	stranger.wait()
	friend := start(t, nil, "sub", "--dial", at("t"), "--plain", "alice", "--plain-password-file", password, "-v")
	friend.await(friend.stderr, `pipe_up()`)
	friend.interrupt()
	friend.wait()
	proxy.interrupt()
	proxy.expect(0, "")
}

// SPDX-License-Identifier: MIT

package ws_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
)

// listenAt is a Pull that listens, until the test ends.
func listenAt(t *testing.T, url string, c spry.ListenConfig) (*spry.Pull, *spry.Endpoint, error) {
	t.Helper()
	pull := spry.NewPull(&spry.PullOptions{Options: options()})
	testkit.CloseAll(t, pull)
	c.URL = url
	e, err := pull.ListenWith(t.Context(), &c)
	return pull, e, err
}

// arrives sends a message to a URL.
func arrives(t *testing.T, pull *spry.Pull, d spry.DialConfig) {
	t.Helper()
	ctx := testkit.Watchdog(t)
	push := spry.NewPush(&spry.PushOptions{Options: options()})
	defer push.Close()
	_, err := push.DialWith(ctx, &d)
	testkit.Check(t, err)
	testkit.Check(t, push.Send(ctx, []byte(d.URL)))
	if got, err := pull.Recv(ctx); err != nil || string(got) != d.URL {
		t.Errorf("%q, %v; sent was %q", got, err, d.URL)
	}
}

// Listeners of two sockets share a port by their paths, and each goes on when another ends.
func TestListenersShareAPort(t *testing.T) {
	authority := testcert.NewAuthority(t)
	server, client := authority.Server(t), authority.Client(t, "client")
	for scheme, c := range map[string]spry.ListenConfig{"ws": {}, "wss": {TLS: server}, "ws+ipc": {}, "wss+ipc": {TLS: server}} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			base := scheme + "://127.0.0.1:0"
			if over, unix := strings.CutSuffix(scheme, "ipc"); unix {
				base = over + testkit.Address(t, "ipc") + ":"
			}
			jobs, e, err := listenAt(t, base+"/jobs", c)
			testkit.Check(t, err)
			base = strings.TrimSuffix(e.URL(), "/jobs")
			events, _, err := listenAt(t, base+"/events", c)
			testkit.Check(t, err)
			at := func(path string) spry.DialConfig { return spry.DialConfig{URL: base + path, TLS: client} }
			arrives(t, jobs, at("/jobs"))
			arrives(t, events, at("/events"))
			push := spry.NewPush(&spry.PushOptions{Options: options()})
			testkit.CloseAll(t, push)
			d := at("/else")
			if _, err := push.DialWith(testkit.Watchdog(t), &d); err == nil || !strings.Contains(err.Error(), "check the path") {
				t.Errorf("another path: %v", err)
			}
			if _, _, err := listenAt(t, base+"/events", c); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "has this path") {
				t.Errorf("the same path: %v", err)
			}
			testkit.Check(t, jobs.Close()) // the oldest, to which connections come first
			arrives(t, events, at("/events"))
			jobs, _, err = listenAt(t, base+"/jobs", c)
			testkit.Check(t, err)
			arrives(t, jobs, at("/jobs"))
			testkit.Check(t, events.Close())
			arrives(t, jobs, at("/jobs"))
			testkit.Check(t, jobs.Close())
			_, _, err = listenAt(t, base+"/other", c) // of which nothing is left
			testkit.Check(t, err)
			for _, s := range []*spry.Pull{jobs, events} {
				if r := s.Stats().Rejected; testkit.Sum(r) > 1 || r["bad_header"] != testkit.Sum(r) { // that for another path
					t.Errorf("rejected %v", r)
				}
			}
		})
	}
}

func TestListenersThatCannotShare(t *testing.T) {
	leak.Check(t)
	server, _ := testkit.Certificates()
	_, plain, err := listenAt(t, "ws://127.0.0.1:0/a", spry.ListenConfig{})
	testkit.Check(t, err)
	_, secure, err := listenAt(t, "wss://127.0.0.1:0/a", spry.ListenConfig{TLS: server})
	testkit.Check(t, err)
	for _, tc := range []struct {
		url  string
		c    spry.ListenConfig
		says string
	}{
		{"wss" + strings.TrimPrefix(plain.URL(), "ws") + "b", spry.ListenConfig{TLS: server}, "use the same scheme"},
		{secure.URL() + "b", spry.ListenConfig{TLS: server.Clone()}, "the same TLS configuration"},
		{plain.URL() + "b", spry.ListenConfig{Nagle: true}, "Nagle"},
	} {
		if _, _, err := listenAt(t, tc.url, tc.c); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.url, err)
		}
	}
	_, other, err := listenAt(t, "ws://127.0.0.1:0/a", spry.ListenConfig{}) // a port of its own
	testkit.Check(t, err)
	if other.Addr().String() == plain.Addr().String() {
		t.Errorf("two listeners without a port have %v", other.Addr())
	}
	if r := visit(t, plain, "GET /a HTTP/1.1", "Host: localhost").answer(t); r.StatusCode != http.StatusUpgradeRequired { //nolint:bodyclose // answer closes it
		t.Errorf("a page at a shared port: %s", r.Status)
	}
}

// Listeners come and go while peers connect. No message is lost, because a listener ends only after its messages have come.
func TestListenersComeAndGo(t *testing.T) {
	leak.Check(t)
	stay, e, err := listenAt(t, "ws://127.0.0.1:0/stay", spry.ListenConfig{})
	testkit.Check(t, err)
	base := strings.TrimSuffix(e.URL(), "/stay")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 10 {
				path := fmt.Sprintf("/%d", i)
				pull, _, err := listenAt(t, base+path, spry.ListenConfig{})
				if err != nil {
					t.Error(err)
					return
				}
				arrives(t, pull, spry.DialConfig{URL: base + path})
				if err := pull.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Go(func() {
		for range 20 {
			arrives(t, stay, spry.DialConfig{URL: e.URL()})
		}
	})
	all.Wait()
}

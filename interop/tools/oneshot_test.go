// SPDX-License-Identifier: MIT

package tools_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// pullers are foreign processes that print everything that they pull.
var pullers = map[string]func(t *testing.T, a kit.Address) *peer.Process{
	"nngcat": func(t *testing.T, a kit.Address) *peer.Process {
		return peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--pull0", "--listen", a.URL, "--msgpack")
	},
	"nanocat": func(t *testing.T, a kit.Address) *peer.Process {
		return peer.Start(t, peer.Find(t, "nanocat", "nanomsg-utils"), "--pull", "--bind", a.URL, "--msgpack")
	},
}

// TestOneShot has many senders that each connect, send one message and go away, four at a time: every message
// arrives.
func TestOneShot(t *testing.T) {
	const atOnce = 4
	senders := map[kit.Side]struct {
		shots int
		shoot func(t *testing.T, a kit.Address, body string) (wait func() error)
	}{
		kit.Library: {200, shootLibrary},
		kit.Command: {40, shootCommand}, // a process costs more than a socket
	}
	for name, start := range pullers {
		for _, transport := range []string{"tcp", "ipc"} {
			for s, sender := range senders {
				t.Run(fmt.Sprintf("%s/%s/%s", name, transport, s), func(t *testing.T) {
					kit.Results.Track(t, kit.Row(name, "pull – push, one message per sender", transport, "it listens"), s)
					t.Parallel()
					a := kit.NewAddress(t, transport, false)
					p := start(t, a)
					peer.WaitListening(t, a.URL)
					missing := map[string]bool{}
					var flying []func() error
					for i := range sender.shots {
						body := fmt.Sprintf("shot %d", i)
						missing[body] = true
						flying = append(flying, sender.shoot(t, a, body))
						if len(flying) == atOnce {
							testkit.Check(t, flying[0]())
							flying = flying[1:]
						}
					}
					for _, wait := range flying {
						testkit.Check(t, wait())
					}
					for _, b := range p.WaitBodies(sender.shots) {
						delete(missing, string(b))
					}
					t.Logf("%d/%d arrived", sender.shots-len(missing), sender.shots)
					if len(missing) > 0 {
						t.Errorf("lost, with second copies of others in their place: %v", missing)
					}
				})
			}
		}
	}
}

func shootLibrary(t *testing.T, a kit.Address, body string) func() error {
	t.Helper()
	o := kit.Options
	o.Linger = peer.Watchdog
	push := spry.NewPush(&spry.PushOptions{Options: o})
	ctx := kit.Watched(t)
	result := make(chan error, 1)
	go func() {
		_, err := push.Dial(ctx, a.URL)
		if err == nil {
			err = push.Send(ctx, []byte(body))
		}
		result <- errors.Join(err, push.Close())
	}()
	return func() error { return <-result }
}

func shootCommand(t *testing.T, a kit.Address, body string) func() error {
	t.Helper()
	return peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), "push", "--dial", a.URL, "--data", body).Result
}

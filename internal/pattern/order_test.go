// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// While other peers subscribe and cancel, come and go, a subscriber gets the messages of each sender in the order of that
// sender's calls, and misses none.
func TestOrderWhileTopicsChange(t *testing.T) {
	const senders, each, peers = 3, 3000, 4
	var p *Pub
	o := zmtpOptions()
	o.Heartbeat = -1 // the peers answer no PING
	s := engine.NewSocket(o, func(s *engine.Socket, _ engine.Options) engine.Pattern {
		p = NewPub(s, zmtp.Pub.Hello(), engine.Block, false)
		return p
	})
	defer s.Close()
	steady := rawPeerOf(t, s, "SUB", true)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // a watchdog
	defer cancel()
	watch, _ := ctx.Deadline()
	must(t, steady.SetReadDeadline(watch))
	steady.say(command("SUBSCRIBE", "m"))
	must(t, p.WaitSubscribers(ctx, "m", 1))

	var others, sending sync.WaitGroup
	end := make(chan struct{})
	for i := range peers {
		restless := rawPeerOf(t, s, "SUB", i%2 == 0)
		others.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					_ = restless.Close()
					return
				default:
				}
				topic := fmt.Sprint("other", n%50)
				if n%3 == 0 {
					topic = "nobody sends this"
				}
				kind := "SUBSCRIBE"
				if n%2 == 1 {
					kind = "CANCEL"
				}
				if _, err := restless.Write([]byte(command(kind, topic))); err != nil {
					return
				}
			}
		})
	}
	for sender := range senders {
		sending.Go(func() {
			for n := range each {
				body := make([]byte, 10+n%9*1200) // some are shared by pipes, and some are copied
				body[0], body[1] = 'm', byte(sender)
				binary.BigEndian.PutUint64(body[2:], uint64(n))
				if err := p.Send(ctx, true, body, nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var next [senders]uint64
	for range senders * each {
		var size uint64
		if flags := steady.hear(1)[0]; flags&2 != 0 {
			size = binary.BigEndian.Uint64(steady.hear(8))
		} else {
			size = uint64(steady.hear(1)[0])
		}
		body := steady.hear(int(size))
		sender, n := body[1], binary.BigEndian.Uint64(body[2:])
		if body[0] != 'm' || n != next[sender] {
			t.Fatalf("message %d of sender %d came, want %d", n, sender, next[sender])
		}
		next[sender]++
	}
	sending.Wait()
	close(end)
	others.Wait()
}

// SPDX-License-Identifier: MIT

package reverseproxy_test

import (
	"bytes"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
)

// TestStream has sockets of Go dial through each proxy by a stream of HTTP/2, before and after it was killed and started again. Both ends
// send at the same time, more than the proxy keeps.
func TestStream(t *testing.T) {
	const messages, size = 2000, 10_000
	eachProxy(t, "a stream over HTTP/2", func(t *testing.T, x *proxy) {
		limits := x.limits()
		pair := spry.NewPair(&spry.PairOptions{Options: kit.Options})
		t.Cleanup(func() { _ = pair.Close() })
		mux := http.NewServeMux()
		mux.Handle("/stream", gateway.Stream(echoing(t), &limits))
		mux.Handle("/stream/pair", gateway.Stream(pair, &limits))
		x.serve(t, mux)
		req := spry.NewReq(&spry.ReqOptions{Options: options(nil)})
		testkit.Check(t, x.dial(t, req, "https", "/stream"))
		far := spry.NewPair(&spry.PairOptions{Options: options(nil)})
		testkit.Check(t, x.dial(t, far, "https", "/stream/pair"))
		for round := range 2 {
			if round > 0 {
				x.restart(t, pair.Socket, far.Socket)
			}
			askAll(t, req, 64)
			kit.WaitPipes(t, far, 1)
			kit.WaitPipes(t, pair, 1)
			var both sync.WaitGroup
			for _, ends := range [][2]*spry.Pair{{pair, far}, {far, pair}} {
				both.Go(func() {
					for i := range messages {
						if err := ends[0].Send(kit.Watched(t), kit.Numbered(size, i)); err != nil {
							t.Errorf("message %d: %v", i, err)
							return
						}
					}
				})
				both.Go(func() {
					for i := range messages {
						if b, err := ends[1].Recv(kit.Watched(t)); err != nil || !bytes.Equal(b, kit.Numbered(size, i)) {
							t.Errorf("message %d is %d bytes: %v", i, len(b), err)
							return
						}
					}
				})
			}
			both.Wait()
		}
	})
}

// TestSilence has a stream and events in which nothing comes for longer than the minute after which nginx gives up by default.
func TestSilence(t *testing.T) {
	const silence = 70 * time.Second
	eachProxy(t, "a minute of silence", func(t *testing.T, x *proxy) {
		limits := x.limits()
		pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
		t.Cleanup(func() { _ = pull.Close() })
		mux := http.NewServeMux()
		mux.Handle("/stream", gateway.Stream(pull, &limits))
		pub := x.feed(t, mux, time.Hour)
		x.serve(t, mux)
		events := x.listen(t, "", "--http2")
		events.position(t)
		push := spry.NewPush(&spry.PushOptions{Options: options(nil)})
		testkit.Check(t, x.dial(t, push, "https", "/stream"))
		pipe := kit.OnlyPipe(t, push.Socket)
		select {
		case <-pipe.Done():
			t.Fatalf("the silent stream ends: %v", pipe.Err())
		case <-time.After(silence):
		}
		publish(t, pub, 1)
		events.expect(t, 1)
		testkit.Check(t, push.Send(kit.Watched(t), []byte("still there")))
		kit.Same(t, "the server received", kit.Must[[]byte](t)(pull.Recv(kit.Watched(t))), []byte("still there"))
		if kit.OnlyPipe(t, push.Socket) != pipe {
			t.Error("the stream is another one")
		}
	})
}

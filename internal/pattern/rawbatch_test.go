// SPDX-License-Identifier: MIT

package pattern

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
)

// rawPush is a raw socket that sends to this many Pulls within the process.
func rawPush(t *testing.T, peers int) (raw *Raw, pulls []*Pull) {
	t.Helper()
	o := engine.Options{Network: engine.NewNetwork(), Dialects: []wire.Dialect{sp.Dialect}, Linger: -1}
	s := engine.NewSocket(o, func(s *engine.Socket, _ engine.Options) engine.Pattern {
		raw = NewRaw(s, RawProtocol{Hello: hello(sp.Push), Route: RouteBalance, Reliable: true}, engine.DropOldest)
		return raw
	})
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Listen(t.Context(), "inproc://raw", engine.EndpointConfig{}); err != nil {
		t.Fatal(err)
	}
	for range peers {
		end := engine.NewSocket(o, func(_ *engine.Socket, o engine.Options) engine.Pattern {
			pulls = append(pulls, NewPull(hello(sp.Pull), o, false))
			return pulls[len(pulls)-1]
		})
		t.Cleanup(func() { _ = end.Close() })
		if _, err := end.Dial(t.Context(), "inproc://raw", engine.EndpointConfig{}, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.WaitPipes(t.Context(), peers); err != nil {
		t.Fatal(err)
	}
	return raw, pulls
}

// numbered returns n messages of one byte.
func numbered(n int) (ms []*msg.Message) {
	for i := range n {
		m := msg.Of([]byte{byte(i)})
		ms = append(ms, &m)
	}
	return ms
}

// Several peers get one message of a batch each in turn, and a lone peer all of them in order.
func TestRawBatchesAreSharedEvenly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for peers := range 3 {
		raw, pulls := rawPush(t, peers+1)
		if n, err := raw.SendBatch(ctx, numbered(60)); n != 60 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		for _, p := range pulls {
			var got []byte
			for range 60 / len(pulls) {
				m, err := p.Recv(ctx)
				if err != nil {
					t.Fatalf("one of %d peers gets %v, and no more: %v", len(pulls), got, err)
				}
				got = append(got, m.Body()...)
			}
			if !slices.IsSorted(got) || int(got[1]-got[0]) != len(pulls) {
				t.Errorf("one of %d peers gets %v", len(pulls), got)
			}
		}
	}
}

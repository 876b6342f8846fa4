// SPDX-License-Identifier: MIT

package sendqueue

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/msg"
)

// A run of packets agrees with a plain list of headers and bodies through any history.
func TestPacketsModel(t *testing.T) {
	type packet struct{ header, body []byte }
	for seed := range uint64(50) {
		dice := rand.New(rand.NewPCG(seed, 3))
		random := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(dice.Uint32())
			}
			return b
		}
		var q packets
		var model []packet
		var taken []msg.Message // handed out; must never change
		var want []packet
		released, wrapped := 0, 0
		same := func(m *msg.Message, p packet) bool {
			return bytes.Equal(m.Header(), p.header) && bytes.Equal(m.Bytes(), p.body)
		}
		for step := range 500 {
			switch dice.IntN(10) {
			case 0:
				if len(model) > 0 {
					p := model[0]
					if n := q.drop(); n != msg.BaseCost+len(p.header)+len(p.body) {
						t.Fatalf("dropped %d bytes of a message of %d", n, len(p.header)+len(p.body))
					}
					model = model[1:]
				}
			case 1:
				p := q.take()
				if w := weigh(p.run); p.Weight != w {
					t.Fatalf("what is taken weighs %+v, and is said to weigh %+v", w, p.Weight)
				}
				taken, want = append(taken, p.run...), append(want, model[:len(p.run)]...)
				model = model[len(p.run):]
			default:
				p := packet{random(4 * dice.IntN(3)), random(dice.IntN(200))}
				if dice.IntN(20) == 0 {
					p.body = random(byReference + dice.IntN(1000))
				}
				var n int
				given := bytes.Clone(p.body)
				if dice.IntN(2) == 0 {
					n = q.put(p.header, given, nil, nil)
					clear(given) // it is the caller's again
				} else {
					wrapped++
					n = q.put(p.header, nil, msg.Wrap(given, func() { released++ }), nil)
				}
				if n != msg.BaseCost+len(p.header)+len(p.body) {
					t.Fatalf("put says %d bytes for a message of %d", n, len(p.header)+len(p.body))
				}
				model = append(model, p)
			}
			if q.len() != len(model) {
				t.Fatalf("step %d: %d messages, want %d", step, q.len(), len(model))
			}
			i := 0
			for _, p := range append(slices.Clone(q.full), q.parcel) {
				for j := range p.run {
					if !same(&p.run[j], model[i]) {
						t.Fatalf("step %d: message %d is not what was put", step, i)
					}
					i++
				}
			}
		}
		for i := range taken {
			if !same(&taken[i], want[i]) {
				t.Fatalf("message %d changed after it was taken", i)
			}
		}
		msg.ReleaseAll(taken)
		q.reset()
		if released != wrapped {
			t.Fatalf("%d of %d wrapped bodies were released", released, wrapped)
		}
	}
}

// A message that was received with a routing header and is sent on by a pattern without one leaves it behind.
func TestPacketsLeaveOldHeadersBehind(t *testing.T) {
	origin := &msg.Origin{}
	received := msg.Received([]byte{0, 0, 0, 1, 'b', 'o', 'd', 'y'}, 4, origin)
	shown := msg.Of([]byte("body"))
	shown.SetHeader([]byte("shown"))
	large := msg.Received(make([]byte, 4+byReference), 4, origin)
	for name, m := range map[string]*msg.Message{"received": &received, "set by hand": &shown, "large": &large} {
		var q packets
		body := m.Detach()
		n := q.put(nil, nil, m, nil)
		if got := &q.run[0]; n != msg.BaseCost+len(body) || len(got.Header()) != 0 || !bytes.Equal(got.Bytes(), body) || got.Origin() != nil {
			t.Errorf("%s: sent as %d bytes with the header %q", name, n, got.Header())
		}
	}
}

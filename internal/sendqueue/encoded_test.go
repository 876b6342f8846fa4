// SPDX-License-Identifier: MIT

package sendqueue

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
)

// plain is the framing of ipc, of which the first byte is always the same.
var plain wire.Framing = sp.FramingTyped

// FuzzEncoded drives a run of frames by a script of bytes, beside a model that keeps a slice of frames. What is written,
// dropped and given back must be the same.
func FuzzEncoded(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0x80, 0x41, 0x90, 0xc0, 0xff})
	f.Add([]byte{0x3f, 0x3f, 0x80, 0xc1, 0x3f, 0x85, 0x40, 0xff})
	f.Fuzz(func(t *testing.T, script []byte) {
		e := &encoded{}
		var log FrameLog
		other := &encoded{} // another pipe of the log, which writes nothing
		var model [][]byte  // whole frames
		var bodies [][]byte
		partial, released, wrapped := 0, 0, 0
		for i, op := range script[:min(len(script), 32)] { // more takes long, and shows nothing new
			switch {
			case op < 0x80: // put a message, small or large, by bytes or by message
				size := int(op&0x1f) * 37
				if op&0x20 != 0 {
					size += byReference
				}
				body := bytes.Repeat([]byte{byte(i)}, size)
				header := []byte{0x80, 0, 0, op}[:4*int(op&1)]
				switch {
				case op&0x40 == 0 && i%3 == 2: // one of a fan-out
					given := bytes.Clone(body)
					log.Begin(header, given)
					e.putShared(log.frame(plain))
					other.putShared(log.frame(plain))
					clear(given)
				case op&0x40 == 0 && i%3 == 1: // several at once, of which some have room
					given := [][]byte{bytes.Clone(body), bytes.Repeat([]byte{byte(i)}, 30), nil}
					put := 1
					if len(body) > maxBlockCopy {
						e.put(plain, header, given[0], nil)
					} else {
						put = e.putRun(plain, header, given, int64(2*msg.BaseCost+len(body)+1000*int(op&2)))
					}
					for n, b := range given[:put] {
						if n < put-1 { // the last one is added below
							model = append(model, plain.AppendFrame(nil, header, b))
							bodies = append(bodies, bytes.Clone(b))
						}
						body = bytes.Clone(b)
						clear(b)
					}
				case op&0x40 == 0:
					e.put(plain, header, body, nil)
				default:
					wrapped++
					e.put(plain, header, nil, msg.Wrap(body, func() { released++ }))
				}
				model = append(model, plain.AppendFrame(nil, header, body))
				bodies = append(bodies, body)
			case op < 0xc0: // write some bytes
				want := bytes.Join(model, nil)[partial:]
				left := len(want)
				n := min(int(op&0x3f)*211, left)
				wrote := make([]byte, 0, left)
				for _, b := range e.buffers(nil, partial) {
					wrote = append(wrote, b...)
				}
				if !bytes.Equal(wrote, want) {
					t.Fatalf("step %d: %d bytes would be written that are not the %d of the frames", i, len(wrote), left)
				}
				frames, rest := e.written(int64(n), partial)
				for partial += n; len(model) > 0 && partial >= len(model[0]); frames-- {
					partial -= len(model[0])
					model, bodies = model[1:], bodies[1:]
				}
				if frames != 0 || rest != partial {
					t.Fatalf("step %d: %d frames too many left, %d bytes of the next are written, want %d", i, frames, rest, partial)
				}
			case op < 0xf0: // drop the oldest, unless it is being written
				if len(model) > 0 && partial == 0 {
					e.drop()
					model, bodies = model[1:], bodies[1:]
				}
			default:
				e.reset()
				model, bodies, partial = nil, nil, 0
			}
			size := int64(0)
			for _, frame := range model {
				size += int64(len(frame))
			}
			if e.len() != len(model) || e.size != size {
				t.Fatalf("step %d: %d frames of %d bytes, want %d of %d", i, e.len(), e.size, len(model), size)
			}
		}
		for i, m := range e.messages(nil) {
			if !bytes.Equal(m.Bytes(), bodies[i]) {
				t.Fatalf("message %d came back with %d bytes, want %d", i, m.Len(), len(bodies[i]))
			}
		}
		e.free()
		if released != wrapped {
			t.Fatalf("%d of %d wrapped bodies were released", released, wrapped)
		}
	})
}

// Blocks are used again: a steady stream of messages allocates nothing.
func TestEncodedReusesBlocks(t *testing.T) {
	e, body := &encoded{}, make([]byte, 64)
	round := func() {
		for range 100 {
			e.put(plain, nil, body, nil)
		}
		e.reset()
	}
	for range 20 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Error(fmt.Sprint("allocations in a round of 100 messages: ", n, ", want none"))
	}
}

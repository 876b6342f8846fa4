// SPDX-License-Identifier: MIT

package sse

import "testing"

// Whatever a client says that it has seen, the stream goes on where the ring allows.
func FuzzResume(f *testing.F) {
	for _, id := range []string{"e-1", "e-0", "e-18446744073709551615", "f-1", "", "e-01", "\xff-\x00"} {
		f.Add(id, uint8(5), uint8(3))
	}
	f.Fuzz(func(t *testing.T, id string, events, size uint8) {
		r := newRing(int(size)+1, 1<<20)
		for range events {
			r.Add(event{})
		}
		seen, err := ParsePosition(id)
		if err == nil && string(seen.AppendTo(nil)) != "id: "+id+"\n" {
			t.Fatalf("%q is %v", id, seen)
		}
		offset, unknown := r.Resume("e", seen)
		if known := err == nil && seen.Epoch == "e" && seen.Offset <= uint64(events); known == unknown || known && offset != seen.Offset {
			t.Fatalf("%q: %d, %v", id, offset, unknown)
		}
		list, missed := r.After(offset, make([]event, 0, 300), 1<<20)
		if unknown && missed > 0 || offset+missed+uint64(len(list)) != uint64(events) {
			t.Fatalf("%q: %d missed and %d events after %d, of %d", id, missed, len(list), offset, events)
		}
	})
}

// SPDX-License-Identifier: MIT

package simnet

import (
	"io"
	"math"
	"slices"
	"syscall"
	"time"
)

// A flow is one direction of a link. It is pure: it never waits, and time is an argument. Its link guards it.
type flow struct {
	window    int
	lossy     bool // may lose and duplicate messages
	unordered bool
	faults    Faults
	held      bool // partitioned: nothing arrives
	silent    bool // nothing arrives any more
	severed   bool // the reading end's host has gone: it reads nothing, and the writer does not learn of it
	muted     bool // the writing end's host has gone: the reader hears nothing more, and no end
	awake     bool // the reading end's host is back, knows nothing of the link, and answers the next bytes with a reset

	segments  []segment // in order of arrival
	size      int       // the part of the window that the segments use
	taken     int64     // bytes written
	delivered int64     // bytes read
	passed    time.Time // when the last bytes that were read had arrived
	chunkEnd  int64     // where, in bytes from the beginning, the next read must end
	lineFree  time.Time // when the line has sent all its bytes, at its rate
	notBefore time.Time // no later segment arrives before this

	jitter, chunk, fate, cuts dice

	end     ending
	endDue  time.Time // when the reader learns of end
	gone    bool      // the reader has left
	goneDue time.Time // when the writer learns of gone
}

// A segment is a piece of a stream, or one message.
type segment struct {
	data []byte
	due  time.Time // when it arrives
}

type ending uint8

const (
	open     ending = iota
	finished        // FIN: bytes written before are still read
	broken          // RST: bytes written before are lost
)

// messageOverhead is the part of the window that a message uses in addition to its bytes, so that empty messages are limited
// too.
const messageOverhead = 16

func newFlow(o LinkOptions, f Faults, held bool, seed uint64, name string) *flow {
	window := o.Window
	if window == 0 {
		window = defaultWindow
	}
	fl := &flow{
		window: window, held: held,
		jitter: newDice(seed, name+" jitter"),
		chunk:  newDice(seed, name+" chunk"),
		fate:   newDice(seed, name+" fate"),
		cuts:   newDice(seed, name+" cuts"),
	}
	fl.setFaults(f)
	return fl
}

// setFaults replaces the faults, and draws when the link is cut.
func (f *flow) setFaults(faults Faults) {
	if faults.MeanCut > 0 && faults.CutAfter == 0 {
		faults.CutAfter = f.delivered + 1 + f.cuts.exponential(faults.MeanCut)
	}
	f.faults = faults
}

// stopped reports whether nothing arrives for now.
func (f *flow) stopped() bool { return f.held || f.silent || f.severed }

// write takes as much of a stream's bytes as the window has room for.
func (f *flow) write(now time.Time, p []byte) int {
	p = p[:min(len(p), max(f.window-f.size, 0))]
	for rest := p; len(rest) > 0; {
		piece := rest[:min(len(rest), f.pieceSize())]
		rest = rest[len(piece):]
		due := f.schedule(now, len(piece))
		if n := len(f.segments); n > 0 && !due.After(f.segments[n-1].due) {
			f.segments[n-1].data = append(f.segments[n-1].data, piece...)
		} else {
			f.segments = append(f.segments, segment{slices.Clone(piece), due})
		}
	}
	f.size += len(p)
	f.taken += int64(len(p))
	return len(p)
}

// pieceSize is how much of a stream arrives at once: with a rate, bytes must trickle rather than come in lumps.
func (f *flow) pieceSize() int {
	if f.faults.Rate <= 0 {
		return math.MaxInt
	}
	const most, piecesPerSecond = 1460, 20
	return int(min(max(f.faults.Rate/piecesPerSecond, 1), most))
}

// read moves bytes of a stream that have arrived into p.
func (f *flow) read(now time.Time, p []byte) int {
	limit := min(int64(len(p)), f.budget())
	if f.faults.ReadChunk > 0 {
		if f.chunkEnd <= f.delivered {
			f.chunkEnd = f.delivered + 1 + f.chunk.below(int64(f.faults.ReadChunk))
		}
		limit = min(limit, f.chunkEnd-f.delivered)
	}
	p = p[:limit]
	total := 0
	for total < len(p) && f.arrived(now) {
		s := &f.segments[0]
		n := copy(p[total:], s.data)
		s.data = s.data[n:]
		total += n
		if len(s.data) == 0 {
			f.pop()
		}
	}
	f.size -= total
	f.delivered += int64(total)
	return total
}

// hasRoom reports whether the window takes a message of n bytes: an empty one takes any.
func (f *flow) hasRoom(n int) bool {
	return f.size == 0 || n+messageOverhead <= f.window-f.size
}

// send takes a message. Control messages are never lost, nor overtaken by later ones.
func (f *flow) send(now time.Time, data []byte, control bool) {
	f.taken += int64(len(data))
	copies := 1
	if f.lossy && !control {
		switch {
		case f.stopped(), f.fate.happens(f.faults.Loss):
			return
		case f.fate.happens(f.faults.Duplicate):
			copies = 2
		}
	}
	for range copies {
		s := segment{data, f.schedule(now, len(data))}
		if control {
			f.notBefore = s.due
		}
		at := len(f.segments)
		for at > 0 && f.segments[at-1].due.After(s.due) {
			at--
		}
		f.segments = slices.Insert(f.segments, at, s)
		f.size += len(data) + messageOverhead
	}
}

// receive returns the next message, if one has arrived. A message that CutAfter or FINAfter does not let
// through whole makes it strike.
func (f *flow) receive(now time.Time) (data []byte, ok bool) {
	if !f.arrived(now) {
		return nil, false
	}
	data = f.segments[0].data
	if int64(len(data)) > f.budget() {
		f.delivered += f.budget()
		return nil, false
	}
	f.pop()
	f.size -= len(data) + messageOverhead
	f.delivered += int64(len(data))
	return data, true
}

// schedule says when n bytes written now arrive.
func (f *flow) schedule(now time.Time, n int) time.Time {
	sent := now
	if f.faults.Rate > 0 {
		sent = latest(now, f.lineFree).Add(time.Duration(int64(n) * int64(time.Second) / f.faults.Rate))
		f.lineFree = sent
	}
	due := sent.Add(f.faults.Latency)
	if f.faults.Jitter > 0 {
		due = due.Add(time.Duration(f.jitter.below(int64(f.faults.Jitter) + 1)))
	}
	due = latest(due, f.notBefore)
	if !f.unordered {
		f.notBefore = due
	}
	return due
}

func (f *flow) arrived(now time.Time) bool {
	return !f.stopped() && len(f.segments) > 0 && !f.segments[0].due.After(now)
}

// progress returns how many bytes have not arrived, and when the last of the others did.
func (f *flow) progress(now time.Time) (underway int, last time.Time) {
	last = f.passed
	for _, s := range f.segments {
		if f.stopped() || s.due.After(now) {
			underway += len(s.data)
		} else {
			last = s.due
		}
	}
	return underway, last
}

func (f *flow) pop() {
	f.passed = f.segments[0].due
	f.segments[0] = segment{}
	f.segments = f.segments[1:]
}

// drop loses everything in flight.
func (f *flow) drop() { f.segments, f.size = nil, 0 }

// budget is how many bytes may still be read before CutAfter or FINAfter strikes.
func (f *flow) budget() int64 {
	left := int64(math.MaxInt64)
	for _, limit := range []int64{f.faults.CutAfter, f.faults.FINAfter} {
		if limit > 0 {
			left = min(left, max(limit-f.delivered, 0))
		}
	}
	return left
}

// mustCut reports whether CutAfter has struck.
func (f *flow) mustCut() bool { return f.faults.CutAfter > 0 && f.delivered >= f.faults.CutAfter }

// mustFinish reports whether FINAfter has struck.
func (f *flow) mustFinish() bool { return f.faults.FINAfter > 0 && f.delivered >= f.faults.FINAfter }

// finish is the writer's orderly end.
func (f *flow) finish(now time.Time) {
	if f.end == open && !f.muted {
		f.end, f.endDue = finished, latest(now.Add(f.faults.Latency), f.lastDue())
	}
}

// stop is an orderly end within the written bytes.
func (f *flow) stop(now time.Time) {
	f.drop()
	f.end, f.endDue = finished, now
	f.leave(now)
}

// reset loses everything in flight; the reader learns of it at due.
func (f *flow) reset(due time.Time) {
	if f.muted {
		return
	}
	f.drop()
	if f.end != broken {
		f.end, f.endDue = broken, due
	}
}

// leave ends reading; the writer learns of it at due.
func (f *flow) leave(due time.Time) {
	if !f.gone && !f.severed {
		f.gone, f.goneDue = true, due
	}
}

func (f *flow) lastDue() time.Time {
	if n := len(f.segments); n > 0 {
		return f.segments[n-1].due
	}
	return time.Time{}
}

// isReset reports whether the reader has learned of a reset.
func (f *flow) isReset(now time.Time) bool {
	return f.severed || f.end == broken && !f.stopped() && !f.endDue.After(now)
}

// readErr is why nothing more will come, if that is known by now.
func (f *flow) readErr(now time.Time) error {
	switch {
	case f.isReset(now):
		return syscall.ECONNRESET
	case f.end == finished && !f.stopped() && len(f.segments) == 0 && !f.endDue.After(now):
		return io.EOF
	}
	return nil
}

// nextRead is when a reader that found nothing should look again; zero means after a change.
func (f *flow) nextRead() time.Time {
	switch {
	case f.stopped():
		return time.Time{}
	case len(f.segments) > 0:
		return f.segments[0].due
	case f.end != open:
		return f.endDue
	}
	return time.Time{}
}

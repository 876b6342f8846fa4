// SPDX-License-Identifier: MIT

package recording

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/units"
	"github.com/sprymq/spry/cmd/spry/internal/wait"
)

// A Place is where a replay begins or ends: a number, a time, or a time after the first message. The zero Place is none.
type Place struct {
	Position
	After time.Duration
	given bool
}

var errPlace = errors.New("write the number of a message like 100, a time like 2026-01-31T12:00:00Z, or a time after the first message like 1m30s")

// ParsePlace reads a Place.
func ParsePlace(text string) (p Place, err error) {
	p.given = true
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		p.Number = n
		return p, nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			p.Time = t
			return p, nil
		}
	}
	if p.After, err = units.ParseDuration(text); err != nil {
		return p, errPlace
	}
	return p, nil
}

// position is the place in a recording whose first message was received at a time.
func (p Place) position(first time.Time) Position {
	if p.After > 0 {
		return Position{Time: first.Add(p.After)}
	}
	return p.Position
}

// A Play replays a recording.
type Play struct {
	Path     string    // "" is In
	In       io.Reader // a stream
	Follow   bool      // go on with what is still being written
	Loop     bool      // begin again at the end
	Speed    float64   // 1 is the original timing, 2 twice as fast; 0 is without pauses
	From, To Place     // the first message and the last, the latter included

	figures PlayFigures
	ended   bool
}

// PlayFigures say what a Play has yielded, and what it could not.
type PlayFigures struct {
	Messages uint64    `json:"messages"`
	Bytes    int64     `json:"bytes"`
	Loops    uint64    `json:"loops"` // to the end
	First    uint64    `json:"first,omitempty"`
	Last     uint64    `json:"last,omitempty"`
	At       time.Time `json:"-"`         // of the last message
	Missed   uint64    `json:"missed"`    // removed before they were read
	Cut      int64     `json:"cut_bytes"` // that are no whole record, at ends

	Written    bool  `json:"-"` // the recording is not at its end yet
	IndexFault error `json:"-"` // why the place to begin was searched without the index
}

// Figures are those so far.
func (p *Play) Figures() PlayFigures { return p.figures }

// Ended reports whether all was yielded that there is to replay.
func (p *Play) Ended() bool { return p.ended }

const (
	runMessages = 64
	runBytes    = 256 << 10
)

// Runs yields the messages, as many at a time as are due, when they are. A run is valid until the next iteration.
func (p *Play) Runs(ctx context.Context) iter.Seq2[[][][]byte, error] {
	return func(yield func([][][]byte, error) bool) {
		for {
			before := p.figures.Messages
			more, err := p.once(ctx, yield)
			if err != nil {
				yield(nil, err)
				return
			}
			if !more {
				return
			}
			p.figures.Loops++
			if !p.Loop || p.figures.Messages == before {
				p.ended = true
				return
			}
		}
	}
}

// once replays the recording to its end. It returns false if no more is wanted.
func (p *Play) once(ctx context.Context, yield func([][][]byte, error) bool) (more bool, err error) {
	r, err := Open(p.Path, p.In, ReadOptions{Follow: p.Follow})
	if err != nil {
		return false, err
	}
	defer r.Close()
	from, to, err := p.places(ctx, r)
	if err != nil {
		return false, err
	}
	if err := r.Seek(from.Position); err != nil {
		return false, err
	}
	missed, cut := p.figures.Missed, p.figures.Cut
	p.figures.IndexFault = r.IndexFault()
	defer func() {
		p.figures.Missed, p.figures.Cut, p.figures.Written = missed+r.Missed(), cut+r.Cut(), r.Written()
	}()
	t := turn{play: p, yield: yield}
	for {
		if !r.Ready() {
			if !t.flush() {
				return false, nil
			}
		}
		m, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return t.flush(), nil
		}
		if err != nil {
			t.flush()
			return false, err
		}
		if from.relative() { // of a stream, which has just shown its first message
			from.Position, from.After = from.position(m.Time), 0
		}
		if to.relative() {
			to.Position, to.After = to.position(m.Time), 0
		}
		if from.after(m.Number, m.Time) {
			continue
		}
		if to.given && past(to.Position, &m) {
			return t.flush(), nil
		}
		if more, err := t.add(ctx, m); !more || err != nil {
			return false, err
		}
		if to.given && to.Time.IsZero() && m.Number >= to.Number {
			return t.flush(), nil // and does not wait for the next one
		}
	}
}

func (p Place) relative() bool { return p.After > 0 }

// past reports whether a message comes after the last one that is wanted.
func past(to Position, m *Message) bool {
	if !to.Time.IsZero() {
		return m.Time.After(to.Time)
	}
	return m.Number > to.Number
}

// places finds where a replay of a file begins and ends, so that it can seek. A stream tells with its first message.
func (p *Play) places(ctx context.Context, r *Reader) (from, to Place, err error) {
	from, to = p.From, p.To
	if !from.relative() && !to.relative() || r.file == nil && !r.folder {
		return from, to, nil
	}
	first, err := Open(p.Path, nil, ReadOptions{Follow: p.Follow})
	if err != nil {
		return from, to, err
	}
	defer first.Close()
	m, err := first.Next(ctx)
	if errors.Is(err, io.EOF) {
		return from, to, nil
	}
	from.Position, from.After = from.position(m.Time), 0
	to.Position, to.After = to.position(m.Time), 0
	return from, to, err
}

// A turn gathers messages that are due, and yields them.
type turn struct {
	play  *Play
	yield func([][][]byte, error) bool
	run   [][][]byte
	bytes int64
	began time.Time // when the first message was yielded
	first time.Time // when it was received
}

// add adds a message when it is due. It returns false if no more is wanted.
func (t *turn) add(ctx context.Context, m Message) (more bool, err error) {
	p := t.play
	if p.Speed > 0 && !t.began.IsZero() {
		due := t.began.Add(time.Duration(float64(m.Time.Sub(t.first)) / p.Speed))
		if time.Until(due) > 0 {
			if !t.flush() {
				return false, nil
			}
			if err := wait.For(ctx, time.Until(due)); err != nil {
				return false, err
			}
		}
	}
	if p.figures.First == 0 {
		p.figures.First = m.Number
	}
	p.figures.Last, p.figures.At = m.Number, m.Time
	t.run, t.bytes = append(t.run, m.Frames), t.bytes+m.Size()
	if first := t.began.IsZero(); first || len(t.run) >= runMessages || t.bytes >= runBytes {
		more = t.flush()
		if first { // the first message may wait for its peer
			t.began, t.first = time.Now(), m.Time
		}
		return more, nil
	}
	return true, nil
}

// flush yields what was gathered.
func (t *turn) flush() (more bool) {
	if len(t.run) == 0 {
		return true
	}
	p := t.play
	p.figures.Messages += uint64(len(t.run))
	p.figures.Bytes += t.bytes
	more = t.yield(t.run, nil)
	t.run, t.bytes = t.run[:0], 0
	return more
}

// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A recording is what a terminal showed, in the format asciicast v2 of asciinema: a header with the size and the title, and
// events with their times. Its picture plays it once and then shows the end. Where animations are off, it shows the end. To
// renew tour.cast, record spry tour in a terminal of 80 columns on an idle machine, with asciinema rec or any other recorder,
// keep the first line, and leave out what follows the table.
//
// The terminal is a small one: it knows new lines, carriage returns, backspaces, bold text and erasing to the end of a line. It
// does not scroll.
type recording struct {
	picture
	screen   [][]glyph
	row, col int
	bold     bool
	lines    []version
}

type glyph struct {
	letter rune
	bold   bool
}

// A version is a text of a row, for a time.
type version struct {
	row      int
	text     []glyph
	from, to float64 // in seconds; to is infinite at the end of the recording
}

const (
	column    = 7.25 // the widest usual monospaced letter of 12 pixels
	lineStep  = 18.0
	windowTop = 34.0
	margin    = 16.0
)

const recordingStyle = `<style>
.t { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre }
.bold { font-weight: 700 }
.past { visibility: hidden }
@keyframes on { from, to { visibility: visible } }
@keyframes off { from, to { visibility: hidden } }
@media (prefers-reduced-motion: reduce) { .t { animation: none !important } }
</style>
`

func renderRecording(_ string, source []byte) ([]byte, error) {
	lines := bufio.NewScanner(bytes.NewReader(source))
	var head struct {
		Version, Width, Height int
		Title, Description     string
	}
	if !lines.Scan() {
		return nil, errors.New("no header")
	}
	if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
		return nil, err
	}
	if head.Version != 2 || head.Title == "" || head.Description == "" {
		return nil, errors.New("the header has not version 2, a title and a description")
	}
	r := &recording{screen: make([][]glyph, head.Height)}
	r.title, r.desc = head.Title, head.Description
	r.size = point{math.Ceil(float64(head.Width)*column + 2*margin), windowTop + lineStep*float64(head.Height) + margin}
	for lines.Scan() {
		var event [3]any
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, err
		}
		at, _ := event[0].(float64)
		text, _ := event[2].(string)
		if event[1] != "o" {
			continue
		}
		if err := r.print(text); err != nil {
			return nil, err
		}
		r.look(at)
	}
	r.draw()
	return r.svg(), lines.Err()
}

// print shows what a program has written.
func (r *recording) print(text string) error {
	letters := []rune(text)
	for i := 0; i < len(letters); i++ {
		switch c := letters[i]; c {
		case '\n':
			r.row++
		case '\r':
			r.col = 0
		case '\b':
			r.col = max(0, r.col-1)
		case '\a':
		case '\x1b':
			end := i + 2
			for end < len(letters) && (letters[end] < '@' || letters[end] > '~') {
				end++
			}
			if end >= len(letters) || letters[i+1] != '[' {
				return fmt.Errorf("an unknown or unfinished escape sequence in %q", text)
			}
			r.control(letters[end], string(letters[i+2:end]))
			i = end
		default:
			if r.row >= len(r.screen) {
				return fmt.Errorf("more than %d lines", len(r.screen))
			}
			line := &r.screen[r.row]
			for len(*line) <= r.col {
				*line = append(*line, glyph{letter: ' '})
			}
			(*line)[r.col] = glyph{c, r.bold}
			r.col++
		}
	}
	return nil
}

// control does what an escape sequence says. Colours and modes are ignored.
func (r *recording) control(verb rune, args string) {
	switch {
	case verb == 'K' && r.row < len(r.screen) && r.col < len(r.screen[r.row]):
		r.screen[r.row] = r.screen[r.row][:r.col]
	case verb == 'm':
		r.bold = args == "1"
	}
}

// look notes which rows have changed.
func (r *recording) look(at float64) {
	for row, text := range r.screen {
		last := -1
		for i, v := range r.lines {
			if v.row == row {
				last = i
			}
		}
		if last >= 0 && slices.Equal(r.lines[last].text, text) || last < 0 && len(text) == 0 {
			continue
		}
		if last >= 0 {
			r.lines[last].to = at
		}
		r.lines = append(r.lines, version{row, slices.Clone(text), at, math.Inf(1)})
	}
}

func (r *recording) draw() {
	r.body.WriteString(recordingStyle)
	r.rectangle(rect{1, 1, r.size.x - 2, r.size.y - 2}, "app", 8)
	for i := range 3 {
		r.printf(`<circle class="rule" cx="%g" cy="17" r="5" fill="none"/>`, 18+16*float64(i))
	}
	name, _, _ := strings.Cut(r.title, ":")
	r.write(r.size.x/2, 21, "small mid", name)
	for _, v := range r.lines {
		shown := v.to - v.from
		class, play := "t", fmt.Sprintf("off %gs", seconds(v.from))
		if !math.IsInf(v.to, 1) {
			class, play = "t past", fmt.Sprintf("on %gs %gs", seconds(shown), seconds(v.from))
		}
		if seconds(shown) == 0 || len(v.text) == 0 {
			continue
		}
		r.printf(`<text class="%s" x="%g" y="%g" style="animation:%s">%s</text>`,
			class, margin, windowTop+lineStep*float64(v.row)+13, play, glyphs(v.text))
	}
}

func seconds(s float64) float64 { return math.Round(s*100) / 100 }

// glyphs is a line with its bold parts.
func glyphs(line []glyph) string {
	var out strings.Builder
	for len(line) > 0 {
		n := slices.IndexFunc(line, func(g glyph) bool { return g.bold != line[0].bold })
		if n < 0 {
			n = len(line)
		}
		var part strings.Builder
		for _, g := range line[:n] {
			part.WriteRune(g.letter)
		}
		if line[0].bold {
			fmt.Fprintf(&out, `<tspan class="bold">%s</tspan>`, escape(part.String()))
		} else {
			out.WriteString(escape(part.String()))
		}
		line = line[n:]
	}
	return out.String()
}

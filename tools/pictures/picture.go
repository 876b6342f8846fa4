// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A picture is a drawing in the making. Each line of its source is a verb with its arguments; texts are quoted, and in them
// `words between backquotes` are code. Lines that begin with # are comments.
//
//	size WxH                                   the size of the picture; it must be the first verb
//	title "TEXT"                               what the picture shows, in one sentence
//	desc "TEXT"                                the same for readers who cannot see it
//	group NAME X,Y WxH CLASS "TITLE" ["NOTE"]  a box around others
//	box NAME X,Y WxH CLASS "TITLE" "LINE"...   a box with a title and smaller lines
//	queue NAME X,Y CELLS right|left "A B"      a queue and its messages, the first of them at the end where they leave
//	msg X,Y "A" [CLASS]                        a message; the class lost is one that is dropped
//	arrow CLASS FROM [VIA...] TO ["TEXT"]      a line with a head, and a text above its longest part
//	line CLASS FROM [VIA...] TO                a line without a head
//	text X,Y ALIGN CLASS "TEXT"                ALIGN is start, mid or end
//
// A point is X,Y, or a side of a box as NAME.l, .r, .t or .b, which is its middle. NAME.r@Y is the point of that side at the
// height Y, and NAME.t@X that of the upper side. A box that no point refers to may have the name "-".
type picture struct {
	size  point
	title string
	desc  string
	boxes map[string]rect
	body  strings.Builder
	heads map[string]bool // classes of arrows
}

type point struct{ x, y float64 }

type rect struct{ x, y, w, h float64 }

// verbs are the verbs of a source.
var verbs = map[string]func(p *picture, args []string) error{
	"size":  (*picture).setSize,
	"title": func(p *picture, args []string) error { p.title = args[0]; return nil },
	"desc":  func(p *picture, args []string) error { p.desc = args[0]; return nil },
	"group": (*picture).group,
	"box":   (*picture).box,
	"queue": (*picture).queue,
	"msg":   (*picture).message,
	"arrow": (*picture).arrow,
	"line":  (*picture).line,
	"text":  (*picture).text,
}

// least is how many arguments a verb has at least.
var least = map[string]int{
	"size": 1, "title": 1, "desc": 1, "group": 5, "box": 5, "queue": 5, "msg": 2, "arrow": 3, "line": 3, "text": 4,
}

func renderPicture(_ string, source []byte) ([]byte, error) {
	p := &picture{boxes: make(map[string]rect), heads: make(map[string]bool)}
	lines := bufio.NewScanner(bytes.NewReader(source))
	for n := 1; lines.Scan(); n++ {
		if err := p.read(lines.Text()); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if p.title == "" || p.desc == "" {
		return nil, errors.New("no title, or no desc")
	}
	return p.svg(), lines.Err()
}

func (p *picture) read(text string) error {
	words, err := split(text)
	if err != nil || len(words) == 0 {
		return err
	}
	verb, args := words[0], words[1:]
	if verbs[verb] == nil {
		return fmt.Errorf("no verb %q", verb)
	}
	if len(args) < least[verb] {
		return fmt.Errorf("%s has %d arguments; it needs %d", verb, len(args), least[verb])
	}
	return verbs[verb](p, args)
}

// split cuts a line into words and quoted texts.
func split(line string) (words []string, err error) {
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("a text has no end: %s", line)
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), line[len(quoted):]
	}
}

// pair reads two numbers.
func pair(text, between string) (a, b float64, err error) {
	left, right, ok := strings.Cut(text, between)
	if ok {
		a, err = strconv.ParseFloat(left, 64)
	}
	if ok && err == nil {
		b, err = strconv.ParseFloat(right, 64)
	}
	if !ok || err != nil {
		return 0, 0, fmt.Errorf("%q is not two numbers with %q between them", text, between)
	}
	return a, b, nil
}

// area reads the place and the size of a box, and remembers them under its name.
func (p *picture) area(name, at, size string) (r rect, err error) {
	if r.x, r.y, err = pair(at, ","); err != nil {
		return r, err
	}
	if r.w, r.h, err = pair(size, "x"); err != nil {
		return r, err
	}
	return r, p.remember(name, r)
}

func (p *picture) remember(name string, r rect) error {
	if _, ok := p.boxes[name]; ok && name != "-" {
		return fmt.Errorf("two boxes are called %s", name)
	}
	if r.x < 0 || r.y < 0 || r.x+r.w > p.size.x || r.y+r.h > p.size.y {
		return fmt.Errorf("%s lies outside of the picture", name)
	}
	if name != "-" {
		p.boxes[name] = r
	}
	return nil
}

// place finds a point.
func (p *picture) place(text string) (at point, err error) {
	name, side, ok := strings.Cut(text, ".")
	r, known := p.boxes[name]
	if !ok || !known {
		at.x, at.y, err = pair(text, ",")
		return at, err
	}
	side, along, moved := strings.Cut(side, "@")
	at = point{r.x + r.w/2, r.y + r.h/2}
	var by float64
	if moved {
		if by, err = strconv.ParseFloat(along, 64); err != nil {
			return at, err
		}
	}
	switch side {
	case "l":
		at.x = r.x
	case "r":
		at.x = r.x + r.w
	case "t":
		at.y = r.y
	case "b":
		at.y = r.y + r.h
	default:
		return at, fmt.Errorf("%q is no side of a box", side)
	}
	switch {
	case moved && (side == "l" || side == "r"):
		at.y = by
	case moved:
		at.x = by
	}
	return at, nil
}

func (p *picture) setSize(args []string) (err error) {
	p.size.x, p.size.y, err = pair(args[0], "x")
	return err
}

// SPDX-License-Identifier: MIT

package main

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

const (
	cell   = 24.0 // the side of a queue's cell
	square = 20.0 // the side of a message
	step   = 16.0 // between two lines of small text
)

func (p *picture) printf(format string, args ...any) { fmt.Fprintf(&p.body, format+"\n", args...) }

func (p *picture) rectangle(r rect, class string, round float64) {
	p.printf(`<rect class="%s" x="%g" y="%g" width="%g" height="%g" rx="%g"/>`, class, r.x, r.y, r.w, r.h, round)
}

func (p *picture) write(x, y float64, class, text string) {
	p.printf(`<text class="%s" x="%g" y="%g">%s</text>`, class, x, y, inline(text))
}

func (p *picture) group(args []string) error {
	r, err := p.area(args[0], args[1], args[2])
	if err != nil {
		return err
	}
	p.rectangle(r, args[3], 8)
	p.write(r.x+12, r.y+21, "name", args[4])
	if len(args) > 5 {
		p.write(r.x+r.w-12, r.y+21, "small end", args[5])
	}
	return nil
}

func (p *picture) box(args []string) error {
	r, err := p.area(args[0], args[1], args[2])
	if err != nil {
		return err
	}
	p.rectangle(r, args[3], 6)
	lines := args[5:]
	x, y := r.x+r.w/2, r.y+r.h/2+5-step/2*float64(len(lines))
	if args[4] != "" {
		p.write(x, y, "name mid", args[4])
	}
	for i, text := range lines {
		p.write(x, y+step*float64(i+1)+1, "small mid", text)
	}
	return nil
}

// queue draws the messages of a queue into its cells. The message "-" is an empty cell, and "A/CLASS" one of another class.
func (p *picture) queue(args []string) error {
	x, y, err := pair(args[1], ",")
	if err != nil {
		return err
	}
	var cells int
	if _, err := fmt.Sscan(args[2], &cells); err != nil {
		return err
	}
	messages := strings.Fields(args[4])
	if args[3] != "right" && args[3] != "left" || len(messages) > cells {
		return fmt.Errorf("a queue of %d cells, %d messages, to the %s", cells, len(messages), args[3])
	}
	r := rect{x, y, cell*float64(cells) + 6, cell + 6}
	if err := p.remember(args[0], r); err != nil {
		return err
	}
	p.rectangle(r, "engine", 5)
	for i := range cells {
		at := i
		if args[3] == "right" {
			at = cells - 1 - i
		}
		left := x + 3 + cell*float64(at)
		p.rectangle(rect{left + 1, y + 4, cell - 2, cell - 2}, "cell", 3)
		if i < len(messages) && messages[i] != "-" {
			label, class, ok := strings.Cut(messages[i], "/")
			if !ok {
				class = "message"
			}
			p.square(point{left + cell/2, y + 3 + cell/2}, label, class)
		}
	}
	return nil
}

func (p *picture) message(args []string) error {
	at, err := p.place(args[0])
	if err != nil {
		return err
	}
	class := "message"
	if len(args) > 2 {
		class = args[2]
	}
	p.square(at, args[1], class)
	return nil
}

// square draws a message around a point: as wide as its label needs.
func (p *picture) square(at point, label, class string) {
	labels := "label"
	if class == "lost" {
		labels = "lostlabel"
	}
	w := square
	if n := len([]rune(label)); n > 2 {
		w = 12 + 7.3*float64(n)
	}
	p.rectangle(rect{at.x - w/2, at.y - square/2, w, square}, class, 4)
	if label != "" && label != "." {
		p.write(at.x, at.y+4.3, labels, label)
	}
}

func (p *picture) text(args []string) error {
	at, err := p.place(args[0])
	if err != nil {
		return err
	}
	switch args[1] {
	case "start":
		p.write(at.x, at.y, args[2], args[3])
	case "mid", "end":
		p.write(at.x, at.y, args[2]+" "+args[1], args[3])
	default:
		return fmt.Errorf("%q is not start, mid or end", args[1])
	}
	return nil
}

func (p *picture) line(args []string) error {
	points, rest, err := p.points(args[1:])
	if err != nil || len(rest) > 0 {
		return cmp.Or(err, fmt.Errorf("a line has no text: %q", rest))
	}
	p.printf(`<path class="line %s" d="%s"/>`, args[0], rounded(points))
	return nil
}

func (p *picture) arrow(args []string) error {
	class := args[0]
	points, label, err := p.points(args[1:])
	if err != nil {
		return err
	}
	p.heads[class] = true
	p.printf(`<path class="line %s" d="%s" marker-end="url(#%s)"/>`, class, rounded(points), class)
	if len(label) == 0 {
		return nil
	}
	long := slices.MaxFunc(segments(points), func(a, b [2]point) int { return cmp.Compare(length(a), length(b)) })
	texts := "small mid"
	switch class {
	case "back":
		texts = "pressure mid"
	case "count":
		texts = "counted mid"
	}
	p.write((long[0].x+long[1].x)/2, (long[0].y+long[1].y)/2-6, texts, label[0])
	return nil
}

// points reads the points of a path: two at least. It returns the rest, which is none or one text.
func (p *picture) points(args []string) (points []point, rest []string, err error) {
	for i, a := range args {
		at, err := p.place(a)
		switch {
		case err == nil && len(points) > 0 && at == points[len(points)-1]:
			return nil, nil, fmt.Errorf("the line does not move at %s", a)
		case err == nil:
			points = append(points, at)
		case len(points) < 2 || i != len(args)-1:
			return nil, nil, err
		default:
			rest = args[i:]
		}
	}
	if len(points) < 2 {
		return nil, nil, errors.New("a line needs two points")
	}
	return points, rest, nil
}

func segments(points []point) (parts [][2]point) {
	for i := range len(points) - 1 {
		parts = append(parts, [2]point{points[i], points[i+1]})
	}
	return parts
}

func length(s [2]point) float64 { return math.Hypot(s[1].x-s[0].x, s[1].y-s[0].y) }

// rounded is the path through points, with round corners.
func rounded(points []point) string {
	const radius = 9
	path := fmt.Sprintf("M%g %g", points[0].x, points[0].y)
	towards := func(a, b point) point {
		d := length([2]point{a, b})
		share := math.Min(radius, d/2) / d
		return point{round(a.x + (b.x-a.x)*share), round(a.y + (b.y-a.y)*share)}
	}
	for i := 1; i < len(points)-1; i++ {
		corner := points[i]
		in, out := towards(corner, points[i-1]), towards(corner, points[i+1])
		path += fmt.Sprintf("L%g %gQ%g %g %g %g", in.x, in.y, corner.x, corner.y, out.x, out.y)
	}
	last := points[len(points)-1]
	return path + fmt.Sprintf("L%g %g", last.x, last.y)
}

func round(x float64) float64 { return math.Round(x*10) / 10 }

// inline escapes a text, and sets what is between backquotes as code.
func inline(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			out.WriteString(`<tspan class="code">`)
		}
		out.WriteString(escape(part))
		if i%2 == 1 {
			out.WriteString("</tspan>")
		}
	}
	return out.String()
}

func escape(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a Builder takes everything
	return strings.NewReplacer("&#39;", "'", "&#34;", `"`).Replace(out.String())
}

// svg returns the whole file.
func (p *picture) svg() []byte {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %[1]g %[2]g" `+
		`role="img" aria-labelledby="title desc">`+"\n", p.size.x, p.size.y)
	fmt.Fprintf(&out, "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(p.title), escape(p.desc))
	out.WriteString(style())
	if len(p.heads) > 0 {
		out.WriteString("<defs>\n")
		for _, class := range slices.Sorted(maps.Keys(p.heads)) {
			fmt.Fprintf(&out, `<marker id="%s" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" `+
				`markerUnits="userSpaceOnUse" orient="auto"><path class="head-%[1]s" d="M0 0 10 5 0 10z"/></marker>`+"\n", class)
		}
		out.WriteString("</defs>\n")
	}
	fmt.Fprintf(&out, `<rect class="paper" width="%g" height="%g" rx="8"/>`+"\n", p.size.x, p.size.y)
	out.WriteString(p.body.String())
	out.WriteString("</svg>\n")
	return []byte(out.String())
}

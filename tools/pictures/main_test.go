// SPDX-License-Identifier: MIT

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const head = `size 200x100
title "A title"
desc "A <description> & more"
`

func TestPictureIsXML(t *testing.T) {
	svg, err := renderPicture("", []byte(head+`
group g 5,5 190x90 app "group" "note"
box b 10,40 60x40 socket "Push" "`+"`Send(\\\"<x>\\\")`"+`"  # a comment
queue q 90,40 3 right "1 2/violet"
arrow way b.r q.l@51 "a & b"
arrow count q.b 100,90 "dropped"
msg 20,20 "3" lost
text b.t@12 end small "it's"
`))
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
	for _, want := range []string{
		"A &lt;description&gt; &amp; more", `<tspan class="code">Send("&lt;x&gt;")</tspan>`, `marker id="count"`, `class="violet"`,
		"prefers-color-scheme: dark", "M70 60L90 51", `width="200" height="100"`,
	} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
}

func TestPictureMistakes(t *testing.T) {
	for _, c := range []struct{ source, want string }{
		{"", "no title"},
		{head + "circle 1,2", `no verb "circle"`},
		{head + "box b 1,2", "needs 5"},
		{head + `box b 1,2 30 app "x"`, "not two numbers"},
		{head + `box b 150,2 60x20 app "x"`, "outside"},
		{head + "box b 1,2 6x2 app \"x\"\nbox b 1,2 6x2 app \"x\"", "line 5: two boxes"},
		{head + `queue q 1,2 2 right "1 2 3"`, "3 messages"},
		{head + `arrow way q.l 3,4`, `"q.l" is not`},
		{head + `text 1,2 centre small "x"`, "not start"},
		{head + `text 1,2 mid small "x`, "no end"},
	} {
		if _, err := renderPicture("", []byte(c.source)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.source, err, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	root := t.TempDir()
	images := filepath.Join(root, "docs", "images")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(images, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(images, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("src/a.pic", head)
	if err := run(root, true); err == nil {
		t.Fatal("a missing picture passes")
	}
	if err := run(root, false); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true); err != nil {
		t.Fatal(err)
	}
	write("src/a.pic", head+`text 1,20 start small "more"`)
	if err := run(root, true); err == nil || !strings.Contains(err.Error(), "another one") {
		t.Fatal("a picture of another source passes: ", err)
	}
	write("src/a.pic", head)
	write("b.svg", "<svg/>")
	if err := run(root, true); err == nil || !strings.Contains(err.Error(), "0 sources") {
		t.Fatal("a picture without a source passes: ", err)
	}
}

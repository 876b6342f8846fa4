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

func TestChart(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "docs", "performance"), 0o755); err != nil {
		t.Fatal(err)
	}
	report := "2026-01-02; a machine\n\n### Work, 64 B\n\n| peer | msg/s | p50 |\n|---|---|---|\n| spry | 1.5M | 20.5 |\n| other | 900k | - |\n| quick | 10 | 7 |\n"
	if err := os.WriteFile(filepath.Join(root, "docs", "performance", "tables.md"), []byte(report), 0o644); err != nil {
		t.Fatal(err)
	}
	good := "# title: A title\n# desc: More\n# caption: 2026-01-02; a machine\npanel,better,table,column,peer,label,figure\n" +
		"Work,more,\"Work, 64 B\",msg/s,other,Other,900k\nWork,more,\"Work, 64 B\",msg/s,spry,Spry,1.5M\n" +
		"Time,less,\"Work, 64 B\",p50,spry,Spry,20.5\nTime,less,\"Work, 64 B\",p50,other,Other,-\nTime,less,\"Work, 64 B\",p50,quick,Quick,7\n"
	svg, err := renderChart(root, []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(svg); !strings.Contains(text, "not measured") || strings.Index(text, ">Spry<") > strings.Index(text, ">Other<") {
		t.Errorf("the best is not the first, or a missing figure has a bar:\n%s", text)
	} else if last := strings.LastIndex; last(text, ">Quick<") > last(text, ">Spry<") || last(text, ">Spry<") > last(text, ">Other<") {
		t.Errorf("the least time is not the first, or no time is not the last:\n%s", text)
	}
	for _, c := range []struct{ old, wrong string }{
		{"1.5M", "1.6M"}, {"p50,spry", "p99,spry"}, {"Work, 64 B", "Work, 1 KiB"}, {"2026-01-02", "2026-01-03"}, {"spry,Spry", "none,Spry"},
	} {
		if _, err := renderChart(root, []byte(strings.Replace(good, c.old, c.wrong, 1))); err == nil ||
			!strings.Contains(err.Error(), "tables.md") {
			t.Errorf("%s instead of %s: %v", c.wrong, c.old, err)
		}
	}
}

func TestRecording(t *testing.T) {
	head := `{"version":2,"width":20,"height":2,"title":"a: b","description":"c"}` + "\n"
	svg, err := renderRecording("", []byte(head+`[0.5,"o","longer\r\u001b[Ktwo"]
[1,"o","\b\bry\r\n"]
[1.25,"i","typed"]
[2,"o","\u001b[1mbold\u001b[0m <plain>"]
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`class="t past" x="16" y="47" style="animation:on 0.5s 0.5s">two<`,
		`class="t" x="16" y="47" style="animation:off 1s">try<`,
		`style="animation:off 2s"><tspan class="bold">bold</tspan> &lt;plain&gt;<`,
	} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	for _, wrong := range []string{"", `{"version":3}`, head + "[", head + `[0,"o","1\n2\n3"]`, head + `[0,"o","\u001b]0;title"]`} {
		if _, err := renderRecording("", []byte(wrong)); err == nil {
			t.Errorf("%q is drawn", wrong)
		}
	}
}

// SPDX-License-Identifier: MIT

package format_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/format"
)

func TestFormats(t *testing.T) {
	record := format.Record{
		Body: "a\"\\\n\x00\xff\x1b[é", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Peer: "127.0.0.1:9", Pipe: 7, Size: 10, Count: 3,
	}
	for name, want := range map[string]string{
		"text":        "a\"\\\n\\x00\\xff\\x1b[é\n",
		"raw":         record.Body,
		"quoted":      `"a\"\\\n\x00\xff\x1b[\xc3\xa9"` + "\n",
		"hex":         "61225c0a00ff1b5bc3a9\n",
		"base64":      "YSJcCgD/G1vDqQ==\n",
		"json":        `{"time":"2026-01-02T03:04:05Z","peer":"127.0.0.1:9","pipe":7,"size":10,"count":3,"body_base64":"YSJcCgD/G1vDqQ=="}` + "\n",
		"msgpack-bin": "\xc4\x0a" + record.Body,
		"none":        "",
		"{{.Count}} {{.Peer}} {{.Pipe}} {{.Size}} {{.Time.Year}} {{hex .Body}}": "3 127.0.0.1:9 7 10 2026 61225c0a00ff1b5bc3a9\n",
		"{{quote .Body}}|{{base64 .Body}}|{{text .Body}}":                       `"a\"\\\n\x00\xff\x1b[\xc3\xa9"|YSJcCgD/G1vDqQ==|a"\` + "\n" + `\x00\xff\x1b[é` + "\n",
	} {
		var out bytes.Buffer
		printer, err := format.New(&out, name, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := printer.Print(record); err != nil || out.String() != want {
			t.Errorf("%s prints %q, %v; want %q", name, out.String(), err, want)
		}
	}
}

func TestJSONShowsTextAsText(t *testing.T) {
	var out bytes.Buffer
	printer, err := format.New(&out, "json", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := printer.Print(format.Record{Body: "né\n"}); err != nil {
		t.Fatal(err)
	}
	var got struct{ Body, Body_base64 *string }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Body == nil || *got.Body != "né\n" || got.Body_base64 != nil {
		t.Errorf("%s: %v", out.String(), err)
	}
}

func TestFrames(t *testing.T) {
	record := format.Record{Body: "ab\xffc", Frames: []string{"a", "", "b\xff", "c"}, User: "alice"}
	for _, test := range []struct{ name, separator, want string }{
		{"text", "", "a |  | b\\xff | c\n"},
		{"text", "\t", "a\t\tb\\xff\tc\n"},
		{"raw", "", record.Body},
		{"raw", "\x00", "a\x00\x00b\xff\x00c"},
		{"quoted", ",", `"a" "" "b\xff" "c"` + "\n"},
		{"hex", "", "61  62ff 63\n"},
		{"base64", "", "YQ==  Yv8= Yw==\n"},
		{"json", "", `{"time":"0001-01-01T00:00:00Z","peer":"","user":"alice","pipe":0,"size":0,"count":0,"frames":["a","",{"base64":"Yv8="},"c"]}` + "\n"},
		{"msgpack-bin", "", "\x94\xc4\x01a\xc4\x00\xc4\x02b\xff\xc4\x01c"},
		{"{{len .Frames}} {{.Frame 3}}{{.Frame 4}} {{.User}}", "", "4 c alice\n"},
	} {
		var out bytes.Buffer
		printer, err := format.New(&out, test.name, test.separator)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if err := printer.Print(record); err != nil || out.String() != test.want {
			t.Errorf("%s with %q prints %q, %v; want %q", test.name, test.separator, out.String(), err, test.want)
		}
	}
}

func TestUnknownFormatsAreRefusedAtOnce(t *testing.T) {
	for _, name := range []string{"", "xml", "Text", "{{.Bdy}}", "{{", "{{nofunc .Body}}"} {
		if _, err := format.New(nil, name, ""); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestMsgpackLengths(t *testing.T) {
	for size, prefix := range map[int]string{0: "\xc4\x00", 255: "\xc4\xff", 256: "\xc5\x01\x00", 65535: "\xc5\xff\xff", 65536: "\xc6\x00\x01\x00\x00"} {
		body := bytes.Repeat([]byte{'x'}, size)
		got, err := format.AppendMsgpackBin(nil, body)
		if err != nil || string(got) != prefix+string(body) {
			t.Errorf("%d bytes begin with % x, %v", size, got[:min(len(got), 6)], err)
		}
	}
}

// Records that are there together are written together, and those before one that cannot be printed too.
func TestRecordsAreWrittenTogether(t *testing.T) {
	var out writes
	printer, err := format.New(&out, "{{if eq .Body \"bad\"}}{{(json 1).x}}{{end}}{{.Body}}", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := printer.Print(format.Record{Body: "a"}, format.Record{Body: "b"}); err != nil {
		t.Error(err)
	}
	if err := printer.Print(format.Record{Body: "c"}, format.Record{Body: "bad"}, format.Record{Body: "d"}); err == nil {
		t.Error("no error")
	}
	if want := (writes{"a\nb\n", "c\n"}); !slices.Equal(out, want) {
		t.Errorf("writes %q, want %q", out, want)
	}
}

// writes are the texts of all calls of Write.
type writes []string

func (w *writes) Write(p []byte) (int, error) { *w = append(*w, string(p)); return len(p), nil }

func TestWriteErrorsAreReported(t *testing.T) {
	printer, err := format.New(failing{}, "text", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := printer.Print(format.Record{Body: "x"}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestLiterals(t *testing.T) {
	if got := string(format.AppendASCII(nil, []byte("a\n\xffz~"))); got != "a..z~" {
		t.Errorf("ascii: %q", got)
	}
	if got := string(format.AppendHexLiteral(nil, []byte("a\n"))); got != `"\x61\x0a"` {
		t.Errorf("hex literal: %q", got)
	}
	if got := string(format.AppendText(nil, []byte(strings.Repeat("\u0085", 2)))); got != `\xc2\x85\xc2\x85` {
		t.Errorf("C1 control characters: %q", got)
	}
}

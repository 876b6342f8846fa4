// SPDX-License-Identifier: MIT

package gate

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/settings"
	"github.com/sprymq/spry/internal/testcert"
)

// whole is the example with all keys that it has as comments.
func whole() string { return regexp.MustCompile(`(?m)^#([a-z\[])`).ReplaceAllString(Example, "$1") }

// The example is a file that works as it is, and has every key.
func TestExample(t *testing.T) {
	name := filepath.Join(t.TempDir(), "gateway.toml")
	if err := os.WriteFile(name, []byte(Example), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, err := Check(name)
	if err != nil || len(lines) < 8 {
		t.Errorf("%q, %v", lines, err)
	}
	c := parse("all", []byte(whole()))
	if err := c.failure(); err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	for _, lines := range []map[string]int{c.lines, c.listeners[0].lines, c.listeners[1].lines} {
		for key := range lines {
			given[key] = true
		}
	}
	seen := map[string]bool{}
	for _, r := range c.routes {
		seen[r.kind] = true
		for key := range r.lines {
			given["route "+key] = true
		}
		for key := range r.own {
			if !kindOf(r.kind).has(key) {
				t.Errorf("the example has %s in a route of the kind %s, where it has no effect", key, r.kind)
			}
		}
	}
	for _, k := range kinds {
		if !seen[k.name] {
			t.Errorf("the example has no route of the kind %s", k.name)
		}
	}
	missing := func(where string, keys []settings.Key) {
		for _, k := range keys {
			if !given[where+k.Name] {
				t.Errorf("the example does not have %s%s", where, k.Name)
			}
		}
	}
	missing("", c.keys())
	missing("", c.listeners[0].keys())
	missing("route ", c.routes[0].keys())
	missing("route ", slices.Concat(c.routes[0].shared()...))
}

// Every option of the gateway has a key: after all of them, none has its zero value.
func TestEveryOption(t *testing.T) {
	c := parse("all", []byte(whole()+"\n[[route]]\nfail-fast=true\noverflow=\"block\"\nmax-event-bytes=5\nkeep-alive=1\nmax-events=3\ncontent-type=\"x\"\n"))
	r := c.routes[len(c.routes)-1]
	r.tokens = tokens{{}}
	r.checkRequests(c)
	r.checkTokens(c)
	options := reflect.ValueOf(r.options)
	for _, part := range []reflect.Value{options, options.Field(0)} {
		for i := range part.NumField() {
			if name := part.Type().Field(i).Name; part.Field(i).IsZero() && name != "Logger" { // which log-failures is for
				t.Errorf("no key sets %s", name)
			}
		}
	}
	for _, part := range []any{*c.listeners[0], r.security, r.TLS} {
		v := reflect.ValueOf(part)
		for i := range v.NumField() {
			field := v.Type().Field(i)
			wants := field.Type.Kind() == reflect.String && field.Name != "mode"
			if wants && v.Field(i).IsZero() {
				t.Errorf("no key sets %s", field.Name)
			}
		}
	}
}

// A route overrides the defaults, and its neighbours do not see that.
func TestDefaults(t *testing.T) {
	c := parse("f", []byte(`
		[[route]]
		max-body = "2KiB"
		origins = ["https://a"]
		[[route]]
		[defaults]
		max-body = "1KiB"
		origins = ["https://b", "https://c"]`))
	if err := c.failure(); err != nil {
		t.Fatal(err)
	}
	first, second := c.routes[0].options, c.routes[1].options
	if first.MaxBody != 2<<10 || second.MaxBody != 1<<10 || !slices.Equal(first.Origins, []string{"https://a"}) || len(second.Origins) != 2 {
		t.Errorf("%+v\n%+v", first, second)
	}
}

const good = "[[listen]]\naddress = \":1\"\n[[route]]\npath = \"/a\"\nkind = \"ask\"\ndial = \"tcp://h:1\"\n"

// Each mistake is an error with its line.
func TestMistakes(t *testing.T) {
	folder := t.TempDir()
	cert, key, _ := testcert.Files(t)
	if err := os.Mkdir(filepath.Join(folder, "public"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"empty": "# none\n", "short": "secret\n", "token": strings.Repeat("t", 32), filepath.Join("public", "token"): strings.Repeat("u", 32)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	with := func(more ...string) string { return good + strings.Join(more, "\n") + "\n" } // which begin on line 7
	route := func(kind string, more ...string) string {
		return with(append([]string{"[[route]]", `path = "/b"`, `kind = "` + kind + `"`}, more...)...) // on line 10
	}
	for _, test := range []struct{ file, want string }{
		{good, ""},
		{"", "1: nothing listens"},
		{"", "1: nothing is served"},
		{"x = 1\n" + good, `1: "x" is no key of the top of the file`},
		{"health = \"healthz\"\n" + good, `1: health: "healthz" is no path`},
		{"health = \"/a\"\n" + good, `5: path: /a is already on line 1`},
		{"client-header = \"X\"\n" + good, `1: client-header needs trusted-proxies`},
		{"trusted-proxies = [\"all\"]\n" + good, `1: trusted-proxies: "all" is no network`},
		{"trusted-proxies = [\"10.0.0.1\", \"::/0\", \"unix\"]\n" + good, ""},
		{with("[[listen]]"), "7: [[listen]] needs an address"},
		{with("[listen]", `address = ":2"`), "7: [listen] needs two pairs of brackets"},
		{with("[[defaults]]"), "7: [defaults] is there once"},
		{with("[defaults]", "[defaults]"), "8: [defaults] is there once"},
		{with("[[routes]]"), `7: there is no table "routes"`},
		{with("[[listen]]", `address = "h"`), `8: address: "h" is neither HOST:PORT nor unix:PATH`},
		{with("[[listen]]", `address = "h:http"`), `8: address: "h:http" is neither`},
		{with("[[listen]]", `address = "http://h:1"`), `8: address: "http://h:1" is neither`},
		{with("[[listen]]", `address = "unix:"`), `8: address: "unix:" is neither`},
		{with("[[listen]]", `address = ":1"`), `8: address: :1 is already on line 2`},
		{with("[[listen]]", `address = ":0"`, "[[listen]]", `address = ":0"`), ""},
		{with("[[listen]]", `address = ":2"`, `mode = "0600"`), `9: mode: it is that of a Unix socket's file`},
		{with("[[listen]]", `address = "unix:/s"`, `mode = "9"`), `9: mode: it is`},
		{with("[[listen]]", `address = "unix:/s"`, `mode = "0600"`), ""},
		{with("[[listen]]", `address = ":2"`, `key = "k"`), "9: key needs cert"},
		{with("[[listen]]", `address = ":2"`, `cacert = "k"`), "9: cacert needs cert"},
		{with("[[listen]]", `address = ":2"`, `cert = "no"`), "9: cert: open " + filepath.Join(folder, "no")},
		{with("[[listen]]", `address = ":2"`, `cert = "`+cert+`"`, `key = "`+key+`"`), ""},
		{route("asks"), `9: kind "asks" is none of ask, send, survey, events, stream, websocket, files, script`},
		{with("[[route]]"), `7: kind "" is none of`},
		{with("[[route]]", `path = "b"`), `8: path: "b" is no path`},
		{with("[[route]]", `path = "/b/../c"`), `8: path: "/b/../c" is no path`},
		{with("[[route]]", `path = "/{b}"`), `8: path: "/{b}" is no path`},
		{with("[[route]]", `path = "/a"`, `kind = "script"`), `8: path: /a is already on line 4`},
		{with("[[route]]", `path = "/a/"`, `kind = "script"`), ""},
		{with("[[route]]", `path = "/f"`, `kind = "files"`, `folder = "public"`, "[[route]]", `path = "/f/"`, `kind = "files"`, `folder = "public"`), "12: path: /f/ is already on line 8"},
		{route("ask"), "7: the route has no peers"},
		{route("ask", `dial = "h:1"`), "10: dial: "},
		{route("ask", `dial = "foo://h:1"`), "10: dial: foo://h:1: no transport for this scheme"},
		{route("ask", `dial = "inproc://h"`), "10: dial: inproc://h is within this process"},
		{route("ask", `listen = ["tcp://:1", "tls+tcp://:2"]`), "10: listen: tls+tcp://:2 needs cert"},
		{route("ask", `dial = "zmtp+tcp://h:1"`), ""},
		{route("survey", `dial = "zmtp+tcp://h:1"`), "10: dial: ZeroMQ has no survey"},
		{route("ask", `dial = "tcp://h:1"`, `pattern = "push"`), `11: pattern: "push" is none of req, which the kind ask has`},
		{route("stream", `dial = "tcp://h:1"`), "7: a route of the kind stream needs a pattern"},
		{route("send", `dial = "tcp://h:1"`, `topics = "x"`), "11: topics has no effect on a route of the kind send"},
		{route("events", `dial = "tcp://h:1"`, `pattern = "pull"`, `topics = "x"`), "12: topics are those of the pattern sub"},
		{route("events", `dial = "tcp://h:1"`, `overflow = "disconnect"`), "11: overflow: a sub has drop-oldest"},
		{route("events", `dial = "tcp://h:1"`, `overflow = "wait"`), `11: overflow: overflow "wait" is not one of drop-oldest`},
		{route("send", `dial = "tcp://h:1"`, `overflow = "block"`), "11: overflow: a push waits for room"},
		{route("ask", `dial = "tcp://h:1"`, `ttl = 256`), "11: ttl: it is at most 255"},
		{route("websocket", `dial = "tcp://h:1"`, `pattern = "sub"`, `format = "xml"`), `12: format: "xml" is neither text nor json`},
		{route("websocket", `dial = "tcp://h:1"`, `pattern = "sub"`, `max-body = 1`), `12: max-body has no effect`},
		{route("files", `folder = "none"`), `10: folder: "none" is no folder`},
		{route("files", `folder = "public"`), ""},
		{route("files", `folder = "."`), `10: folder: gateway.toml is in ".", and would be served`},
		{route("files", `folder = "./public/../.."`), `10: folder: gateway.toml is in `},
		{route("files", `folder = "."`, `token-file = "token"`), `10: folder: token is in "."`},
		{route("files"), `7: folder: "" is no folder`},
		{
			with("[[route]]", `path = "/b"`, `kind = "ask"`, `dial = "tcp://h:1"`, `token-file = "public/token"`, "[[route]]", `path = "/f"`, `kind = "files"`, `folder = "public"`),
			`15: folder: token is in "public"`,
		},
		{
			with("[[listen]]", `address = ":2"`, `cert = "no"`, `key = "public/token"`, "[[route]]", `path = "/f"`, `kind = "files"`, `folder = "public"`),
			`14: folder: token is in "public"`,
		},
		{
			with("[[route]]", `path = "/b"`, `kind = "ask"`, `dial = "tcp://h:1"`, `plain-server = "public/token"`, "[[route]]", `path = "/f"`, `kind = "files"`, `folder = "public"`),
			`15: folder: token is in "public"`,
		},
		{route("script", `dial = "tcp://h:1"`), `10: dial has no effect`},
		{route("ask", `dial = "tcp://h:1"`, `origins = "example.com"`), `11: origins: "example.com" is no origin`},
		{route("ask", `dial = "tcp://h:1"`, `origins = "https://example.com/"`), `11: origins: "https://example.com/" is no origin`},
		{route("ask", `dial = "tcp://h:1"`, `origins = ["*", "https://a:8443"]`), ""},
		{route("ask", `dial = "tcp://h:1"`, `timeout = "2m"`), `11: timeout: 2m0s is more than max-timeout, 1m0s`},
		{route("ask", `dial = "tcp://h:1"`, `max-bodies = 1`, `max-body = 2`), `11: max-bodies: it is less than max-body`},
		{route("ask", `dial = "tcp://h:1"`, `max-requests = 1`, `max-per-client = 2`), `12: max-per-client: it is more than max-requests, 1`},
		{route("ask", `dial = "tcp://h:1"`, `burst = 1`), `11: burst needs rate`},
		{route("ask", `dial = "tcp://h:1"`, `token-file = "none"`), "11: token-file: open " + filepath.Join(folder, "none")},
		{route("ask", `dial = "tcp://h:1"`, `token-file = "empty"`), "11: token-file: there is no token in it"},
		{route("ask", `dial = "tcp://h:1"`, `token-file = "short"`), "11: token-file: token 1 has less than 16 characters"},
		{route("ask", `dial = "tcp://h:1"`, `token-file = "token"`), ""},
		{route("ask", `dial = "tcp://h:1"`, `token-variable = "SPRY_NO_SUCH"`), "11: token-variable: the environment has no SPRY_NO_SUCH"},
		{route("ask", `dial = "tls+tcp://h:1"`, `cacert = "none"`), "11: TLS: cacert: open "},
		{route("ask", `listen = "tls+tcp://h:1"`, `key = "none"`), "11: TLS: key without cert"},
		{route("ask", `dial = "tcp://h:1"`, `curve-server = true`), "11: ZeroMQ's security: curve-server needs curve-key FILE"},
		{route("ask", `dial = "tcp://h:1"`, `curve-server-key = "none"`), "11: ZeroMQ's security: curve-server-key is neither"},
		{route("survey", `dial = "tcp://h:1"`, `curve-server-key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"`), "11: CURVE and PLAIN are ZeroMQ's, which has no survey"},
		{with("[defaults]", `origins = "x"`, "[[route]]", `path = "/b"`, `kind = "ask"`, `dial = "tcp://h:1"`), `8: origins: "x" is no origin`},
	} {
		name := filepath.Join(folder, "gateway.toml")
		if err := os.WriteFile(name, []byte(test.file), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Check(name)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.file, err)
		case test.want == "":
		case err == nil:
			t.Errorf("%s was accepted; want %s", test.file, test.want)
		default:
			line := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(name+":"+test.want)).FindAllString(err.Error(), -1)
			if len(line) != 1 || exit.Code(err) != exit.Usage || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "--") {
				t.Errorf("%s: code %d, %v; want %s", test.file, exit.Code(err), err, test.want)
			}
		}
	}
}

// Relative paths are looked at as well.
func TestWithin(t *testing.T) {
	top := t.TempDir()
	t.Chdir(top)
	if err := os.MkdirAll(filepath.Join("a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir("a")
	for _, test := range []struct {
		folder, file string
		want         bool
	}{
		{".", "f", true}, {"..", "f", true}, {top, "f", true}, {"b", "f", false}, {"b", "b/f", true}, {"b", "../f", false}, {"none", "f", false}, {".", "none/f", false},
	} {
		if got := within(test.folder, test.file); got != test.want {
			t.Errorf("%s in %s: %v", test.file, test.folder, got)
		}
	}
}

// Whatever a file has, the errors are about its lines.
func FuzzFile(f *testing.F) {
	f.Add(Example)
	f.Add(whole())
	f.Add(good + "x = [1, 'a'")
	f.Add("a.\"b\".c = {d = 1}\n[[route]]\n[route]\r\nttl = 0x10\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := parse("f", []byte(text))
		for _, err := range c.errs {
			at, is := err.(*settings.Error) //nolint:errorlint // it is documented to be one
			if !is || at.Line < 1 || at.Line > 1+strings.Count(text, "\n") || at.Error() == "" {
				t.Errorf("%q: %v", text, err)
			}
		}
		if (c.failure() == nil) != (len(c.errs) == 0) {
			t.Error(c.errs)
		}
	})
}

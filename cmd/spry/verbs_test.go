// SPDX-License-Identifier: MIT

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Every pattern, over every transport between processes, with one command at each end.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for transport, listen := range addresses(t) {
		t.Run(transport, func(t *testing.T) {
			t.Run("pipeline", func(t *testing.T) {
				pull := start(t, nil, "pull", "--listen", listen, "--count", "3")
				push := start(t, strings.NewReader("one\ntwo\nthree\n"), "push", "--dial", pull.url(), "--lines")
				push.expect(0, "")
				pull.expect(0, lines("one", "two", "three"))
			})
			t.Run("pubsub", func(t *testing.T) {
				sub := start(t, nil, "sub", "--listen", listen, "--subscribe", "b", "--subscribe", "cc", "--count", "2")
				pub := start(t, nil, "pub", "--dial", sub.url(), "-D", "a", "-D", "b1", "-D", "c", "-D", "cc")
				pub.expect(0, "")
				sub.expect(0, lines("b1", "cc"))
			})
			t.Run("reqrep", func(t *testing.T) {
				rep := start(t, nil, "rep", "--listen", listen, "--echo", "--count", "2")
				req := start(t, nil, "req", "--dial", rep.url(), "-D", "x", "-D", "y")
				req.expect(0, lines("x", "y"))
				rep.expect(0, lines("x", "y"))
			})
			t.Run("survey", func(t *testing.T) {
				survey := start(t, nil, "survey", "--listen", listen, "--peers", "2", "--answers", "2", "--deadline", "1m", "-D", "who?")
				url := survey.url()
				a := start(t, nil, "respond", "--dial", url, "-D", "me", "--count", "1")
				b := start(t, nil, "respond", "--dial", url, "-D", "me", "--count", "1", "--format", "none")
				survey.expect(0, lines("me", "me"))
				a.expect(0, lines("who?"))
				b.expect(0, "")
			})
			for _, version := range [][]string{nil, {"--v0"}} {
				t.Run("pair"+strings.Join(version, ""), func(t *testing.T) {
					one := start(t, nil, "pair", "--listen", listen, "-D", "ping", "--recv-count", "1")
					two := start(t, nil, append([]string{"pair", "--dial", one.url(), "-D", "pong", "--recv-count", "1"}, version...)...)
					one.expect(0, lines("pong"))
					two.expect(0, lines("ping"))
				})
			}
			t.Run("bus", func(t *testing.T) {
				one := start(t, nil, "bus", "--listen", listen, "-D", "ping", "--recv-count", "1")
				two := start(t, nil, "bus", "--dial", one.url(), "-D", "pong", "--recv-count", "1")
				one.expect(0, lines("pong"))
				two.expect(0, lines("ping"))
			})
		})
	}
}

// What is sent again and again ends when enough was received.
func TestReceivingEndsEndlessSending(t *testing.T) {
	t.Parallel()
	one := start(t, nil, "pair", "--listen", "tcp://127.0.0.1:0", "-D", "x", "--interval", "10ms", "--recv-count", "2")
	start(t, nil, "pair", "--dial", one.url(), "-D", "y", "--count", "2", "--recv-count", "1").expect(0, lines("x"))
	one.expect(0, lines("y", "y"))
}

func TestRepExec(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the commands of this test are those of a Unix shell")
	}
	rep := start(t, nil, "rep", "--listen", "tcp://127.0.0.1:0", "--exec", `tr a-z A-Z; echo "$SPRY_SIZE"`, "--format", "quoted")
	url := rep.url()
	start(t, nil, "req", "--dial", url, "-D", "shout", "--format", "raw").expect(0, "SHOUT5\n")

	failing := start(t, nil, "rep", "--listen", "tcp://127.0.0.1:0", "--exec", `cat; exit 7`)
	start(t, nil, "req", "--dial", failing.url(), "-D", "x", "--recv-timeout", "300ms").expect(3, "")
	failing.await(failing.stderr, `no answer to .*exit status 7`)

	tolerant := start(t, nil, "rep", "--listen", "tcp://127.0.0.1:0", "--exec", `cat; exit 7`, "--exec-errors")
	start(t, nil, "req", "--dial", tolerant.url(), "-D", "x").expect(0, "x\n")

	rep.interrupt()
	rep.expect(0, "\"shout\"\n")
	if !strings.Contains(rep.stderr(), "1 received, 1 answered") {
		t.Errorf("no summary at Ctrl-C: %q", rep.stderr())
	}
}

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	pull := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0", "--count", "2", "--format", "json")
	start(t, strings.NewReader(`{"body_base64":"AP8="}`+"\n"+`"täxt"`), "push", "--dial", pull.url(), "--ndjson").expect(0, "")
	if code := pull.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, pull.stderr())
	}
	again := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0", "--count", "2", "--format", "hex")
	start(t, strings.NewReader(pull.stdout()), "push", "--dial", again.url(), "--ndjson").expect(0, "")
	again.expect(0, lines("00ff", "74c3a47874"))
	for line := range strings.Lines(pull.stdout()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["peer"] == "" || fields["time"] == "" {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("of a\nfile"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		in   string
		args []string
		want string
	}{
		{"whole\nstream", nil, `"whole\nstream"` + "\n"},
		{"a\nb", []string{"--lines"}, lines(`"a"`, `"b"`)},
		{"ignored", []string{"-D", "x", "-F", path}, lines(`"x"`, `"of a\nfile"`)},
		{"", []string{"-F", path, "--lines"}, lines(`"of a"`, `"file"`)},
		{"", []string{"-D", ""}, lines(`""`)},
		{"", []string{"-D", "x", "-D", "y", "--count", "3"}, lines(`"x"`, `"y"`, `"x"`)},
		{"", []string{"-D", "x", "--count", "3", "--rate", "100/s"}, lines(`"x"`, `"x"`, `"x"`)},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			want := strings.Count(test.want, "\n")
			pull := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0", "--format", "quoted", "--count", string(rune('0'+want)))
			push := start(t, strings.NewReader(test.in), append([]string{"push", "--dial", pull.url()}, test.args...)...)
			push.expect(0, "")
			pull.expect(0, test.want)
		})
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	unused := "tcp://127.0.0.1:1"
	for _, test := range []struct {
		want int
		args []string
	}{
		{2, []string{}},
		{2, []string{"pull"}},
		{2, []string{"nonsense"}},
		{2, []string{"pull", "--listen", here, "--nonsense"}},
		{2, []string{"pull", "--listen", here, "--format", "xml"}},
		{2, []string{"pull", "--listen", here, "--count", "ten"}},
		{2, []string{"pull", unused}},
		{2, []string{"pull", "--listen", "nonsense"}},
		{2, []string{"push", "--dial", unused, "--lines", "--ndjson"}},
		{2, []string{"push", "--dial", unused}},
		{2, []string{"rep", "--listen", here}},
		{2, []string{"router", "--listen", here, "--echo", "--data", "x"}},
		{2, []string{"router", "--listen", here, "--data", "x", "--to", `\q`}},
		{2, []string{"dish", "--listen", here}},
		{2, []string{"push", "--dial", unused, "-D", "x", "--multipart", "--lines"}},
		{2, []string{"survey", "--listen", here, "-D", "x", "--zmtp"}},
		{3, []string{"router", "--listen", here, "-D", "x", "--to", "nobody", "--connect-timeout", "100ms"}},
		{2, []string{"rep", "--listen", here, "--echo", "--data", "x"}},
		{2, []string{"pub", "--listen", here, "-D", "x", "--overflow", "explode"}},
		{2, []string{"proxy", "--kind", "reqrep"}},
		{2, []string{"proxy", "--kind", "magic", "--front", here, "--back", here}},
		{2, []string{"proxy", "--zmtp", "--kind", "survey", "--front", here, "--back", here}},
		{2, []string{"bridge", "pull=" + here}},
		{2, []string{"bridge", "pull=" + here, "pub=" + here}},
		{2, []string{"bridge", "pull", "push"}},
		{2, []string{"bridge", "pull=nonsense", "push=" + unused}},
		{2, []string{"bridge", "pull=" + unused, "push=" + unused, "--plain-server", "/dev/null", "--plain", "x"}},
		{2, []string{"pull", "--listen", here, "--curve-server"}},
		{2, []string{"pull", "--listen", here, "--allow", "."}},
		{2, []string{"pull", "--listen", here, "--curve-key", "f"}},
		{2, []string{"pull", "--listen", here, "--plain", "name"}},
		{1, []string{"pull", "--listen", here, "--curve-server-key", "/nonexistent"}},
		{1, []string{"pull", "--listen", here, "--plain-server", "/nonexistent"}},
		{2, []string{"inspect", "nonsense"}},
		{2, []string{"completion", "basic"}},
		{2, []string{"monitor", "magic", "--listen", here}},
		{1, []string{"push", "--dial", unused, "-F", "/nonexistent/file"}},
		{1, []string{"pull", "--listen", "tcp://127.0.0.1:0", "--cert", "/nonexistent"}},
		{3, []string{"push", "--dial", unused, "-D", "x", "--connect-timeout", "100ms"}},
		{3, []string{"pull", "--listen", here, "--recv-timeout", "100ms"}},
		{3, []string{"pull", "--listen", here, "--count", "1", "--for", "100ms"}},
		{3, []string{"req", "--dial", unused, "-D", "x", "--connect-timeout", "100ms"}},
		{3, []string{"inspect", unused}},
		{0, []string{"pull", "--listen", here, "--for", "100ms"}},
		{0, []string{"--help"}},
		{0, []string{"version"}},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, test.args...)
			if got := p.wait(); got != test.want {
				t.Errorf("exit %d, want %d: %s", got, test.want, p.stderr())
			}
			if test.want != 0 && (p.stderr() == "" || p.stdout() != "") {
				t.Errorf("stdout %q, stderr %q: an error belongs on standard error", p.stdout(), p.stderr())
			}
		})
	}
}

func TestPartial(t *testing.T) {
	t.Parallel()
	pull := start(t, nil, "pull", "--listen", "tcp://127.0.0.1:0", "--count", "5", "--recv-timeout", "2s")
	start(t, nil, "push", "--dial", pull.url(), "-D", "x").expect(0, "")
	pull.expect(4, lines("x"))
}

func TestHelpBeginsWithExamples(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"", "push", "pull", "pub", "sub", "req", "rep", "survey", "respond", "pair", "bus", "dealer", "router", "xpub", "xsub", "radio", "dish", "client", "server", "scatter", "gather", "peer", "channel", "proxy", "bridge", "inspect", "monitor", "tour", "version", "completion", "man", "local_lat", "remote_lat", "local_thr", "remote_thr", "inproc_lat", "inproc_thr", "bench", "bench serve", "bench thr", "bench lat", "bench fan", "bench callers", "bench inproc-thr", "bench inproc-lat"} {
		out, err := exec.Command(binary, append(strings.Fields(verb), "--help")...).Output()
		if err != nil || !strings.HasPrefix(string(out), "Examples:\n  ") {
			t.Errorf("%s --help: %v\n%.200s", verb, err, out)
		}
		if strings.Contains(string(out), "tour-peer") {
			t.Errorf("%s --help shows the hidden verb", verb)
		}
	}
}

func TestCompletionAndManPages(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, err := exec.Command(binary, "completion", shell).Output(); err != nil || len(out) < 500 {
			t.Errorf("%s: %d bytes, %v", shell, len(out), err)
		}
	}
	dir := t.TempDir()
	start(t, nil, "man", dir).expect(0, "")
	for _, page := range []string{"spry.1", "spry-push.1", "spry-inspect.1", "spry-bench.1", "spry-bench-thr.1", "spry-local_thr.1"} {
		if text, err := os.ReadFile(filepath.Join(dir, page)); err != nil || !strings.Contains(string(text), ".SH EXAMPLE") {
			t.Errorf("%s: %v", page, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "spry-push.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`spry-push \- Send each message`, ".SH FLAGS", "\\fB-D\\fP, \\fB--data\\fP \\fItext\\fP", ".SH TLS, FOR TLS+TCP"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page of push has no %q:\n%s", want, text)
		}
	}
}

// With --recv-timeout every verb that receives ends by itself while nobody is there.
func TestRecvTimeoutWithoutPeer(t *testing.T) {
	t.Parallel()
	deaf := "tcp://127.0.0.1:1" // a port that nobody listens on
	for _, verb := range [][]string{
		{"pull"},
		{"sub"},
		{"pair"},
		{"bus"},
		{"rep", "--echo"},
		{"respond", "--echo"},
		{"req", "--data", "x"},
		{"survey", "--data", "x"},
		{"dealer"},
		{"router"},
		{"xsub"},
		{"gather"},
		{"dish", "--join", "x"},
	} {
		t.Run(verb[0], func(t *testing.T) {
			run := start(t, nil, append(verb, "--dial", deaf, "--recv-timeout", "50ms", "--quiet")...)
			run.expect(3, "")
		})
	}
}

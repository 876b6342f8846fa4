// SPDX-License-Identifier: MIT

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// keys makes the certificates of a server and two clients, of whom the first is in the directory allowed.
func keys(t *testing.T) (dir, allowed string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"server", "friend", "stranger"} {
		if code := start(t, nil, "keygen", "curve", "--out", filepath.Join(dir, name), "--name", name).wait(); code != 0 {
			t.Fatalf("no certificate for %s", name)
		}
	}
	public, err := os.ReadFile(filepath.Join(dir, "friend"))
	if err != nil {
		t.Fatal(err)
	}
	allowed = filepath.Join(dir, "allowed")
	if err := os.Mkdir(allowed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(allowed, "friend"), public, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, allowed
}

func TestCurve(t *testing.T) {
	t.Parallel()
	dir, allowed := keys(t)
	server, friend, stranger := filepath.Join(dir, "server"), filepath.Join(dir, "friend"), filepath.Join(dir, "stranger")

	rep := start(t, nil, "rep", "--listen", here, "--curve-server", "--curve-key", server, "--allow", allowed, "--echo", "-f", "{{.User}}")
	url := rep.url()
	start(t, nil, "req", "--dial", url, "--curve-server-key", server, "--curve-key", friend, "-D", "x").expect(0, "x\n")
	public, err := os.ReadFile(server)
	if err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(`public-key = "(.{40})"`).FindSubmatch(public)
	if key == nil {
		t.Fatalf("no public key in %s", public)
	}
	start(t, nil, "req", "--dial", url, "--curve-server-key", string(key[1]), "--curve-key", friend+"_secret", "-D", "x").expect(0, "x\n")

	for name, flags := range map[string][]string{
		"a stranger":       {"--curve-server-key", server, "--curve-key", stranger},
		"nobody":           {"--curve-server-key", server},
		"the wrong server": {"--curve-server-key", stranger, "--curve-key", friend},
		"without security": {"--zmtp"},
		"the other family": nil,
	} {
		refused := start(t, nil, append([]string{"req", "--dial", url, "-D", "x", "--connect-timeout", "1s"}, flags...)...)
		if code := refused.wait(); code != 3 || refused.stdout() != "" {
			t.Errorf("%s: exit %d: %s%s", name, code, refused.stdout(), refused.stderr())
		}
	}
	rep.interrupt()
	rep.expect(0, lines("friend", "friend"))

	open := start(t, nil, "pull", "--listen", here, "--curve-server", "--curve-key", server, "-n", "1")
	start(t, nil, "push", "--dial", open.url(), "--curve-server-key", server, "-D", "x").expect(0, "")
	open.expect(0, "x\n")
}

func TestPlain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	known, right, wrong := write("known", "# who may come in\nalice=one=1\nbob=\n"), write("right", "one=1\n"), write("wrong", "two")
	rep := start(t, nil, "rep", "--listen", here, "--plain-server", known, "--echo", "-f", "{{.User}}")
	url := rep.url()
	start(t, nil, "req", "--dial", url, "--plain", "alice", "--plain-password-file", right, "-D", "x").expect(0, "x\n")
	for name, flags := range map[string][]string{
		"the wrong password": {"--plain", "alice", "--plain-password-file", wrong},
		"the wrong name":     {"--plain", "carol", "--plain-password-file", right},
	} {
		refused := start(t, nil, append([]string{"req", "--dial", url, "-D", "x", "--connect-timeout", "1s"}, flags...)...)
		if code := refused.wait(); code != 3 || refused.stdout() != "" {
			t.Errorf("%s: exit %d: %s%s", name, code, refused.stdout(), refused.stderr())
		}
		if strings.Contains(refused.stderr(), "one=1") || strings.Contains(refused.stderr(), "two") {
			t.Errorf("%s: the error shows a password: %s", name, refused.stderr())
		}
	}
	waiting := start(t, nil, "req", "--dial", url, "--plain", "alice", "--plain-password-file", wrong, "-D", "x")
	waiting.await(waiting.stderr, `peer refused this end.*--plain()`) // and it does not wait in silence
	rep.interrupt()
	rep.expect(0, "alice\n")

	malformed := start(t, nil, "pull", "--listen", here, "--plain-server", wrong)
	if code := malformed.wait(); code != 1 || !strings.Contains(malformed.stderr(), "line 1") || strings.Contains(malformed.stderr(), "two") {
		t.Errorf("exit %d: %s", code, malformed.stderr())
	}
}

func TestPasswordFromTheEnvironment(t *testing.T) {
	t.Setenv("SPRY_PLAIN_PASSWORD", "secret")
	known := filepath.Join(t.TempDir(), "known")
	if err := os.WriteFile(known, []byte("alice=secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	pull := start(t, nil, "pull", "--listen", here, "--plain-server", known, "-n", "1")
	start(t, nil, "push", "--dial", pull.url(), "--plain", "alice", "-D", "x").expect(0, "")
	pull.expect(0, "x\n")
}

// One side of a bridge is encrypted, and the other is not.
func TestSecuredBridge(t *testing.T) {
	t.Parallel()
	dir, allowed := keys(t)
	server, friend := filepath.Join(dir, "server"), filepath.Join(dir, "friend")
	bridge := start(t, nil, "bridge", "rep=listen:zmtp+"+here, "req=listen:sp+"+here, "--curve-server", "--curve-key", server, "--allow", allowed)
	front, back := bridge.await(bridge.stderr, `listening at (\S+)`), bridge.await(bridge.stderr, `(?s)listening at \S+.*listening at (\S+)`)
	rep := start(t, nil, "rep", "--dial", back, "--echo", "-n", "1")
	start(t, nil, "req", "--dial", front, "--curve-server-key", server, "--curve-key", friend, "-D", "x").expect(0, "x\n")
	rep.expect(0, "x\n")
	unsecured := start(t, nil, "bridge", "rep=listen:"+here, "req=listen:sp+"+here, "--curve-server", "--curve-key", server)
	if code := unsecured.wait(); code != 2 {
		t.Errorf("a bridge without a side to secure: exit %d: %s", code, unsecured.stderr())
	}
}

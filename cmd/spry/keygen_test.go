// SPDX-License-Identifier: MIT

package main_test

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sprymq/spry/zmq"
)

func TestKeygenPrints(t *testing.T) {
	t.Parallel()
	keys := make(map[zmq.PublicKey]bool)
	for range 2 {
		keygen := start(t, nil, "keygen", "curve", "--name", "Ada", "--email", "ada@example.org", "--organization", "Engines")
		if code := keygen.wait(); code != 0 {
			t.Fatalf("exit %d: %s", code, keygen.stderr())
		}
		path := filepath.Join(t.TempDir(), "c")
		if err := os.WriteFile(path, []byte(keygen.stdout()), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := zmq.LoadCertificate(path)
		if err != nil {
			t.Fatal(err)
		}
		if c.Secret == (zmq.SecretKey{}) || !maps.Equal(c.Metadata, map[string]string{"name": "Ada", "email": "ada@example.org", "organization": "Engines"}) {
			t.Errorf("printed %q", keygen.stdout())
		}
		keys[c.Public] = true
	}
	if len(keys) != 2 {
		t.Error("two runs made the same key")
	}
}

func TestKeygenSaves(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ada")
	keygen := start(t, nil, "keygen", "curve", "-o", path)
	if code := keygen.wait(); code != 0 {
		t.Fatalf("exit %d: %s", code, keygen.stderr())
	}
	c, err := zmq.LoadCertificate(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Secret == (zmq.SecretKey{}) || keygen.stdout() != c.Public.String()+"\n" || len(c.Metadata) > 0 {
		t.Errorf("saved %v, printed %q", c, keygen.stdout())
	}
	if info, err := os.Stat(path + "_secret"); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the secret file: %v, %v", info, err)
	}
	again := start(t, nil, "keygen", "curve", "-o", path)
	again.expect(1, "")
	if !strings.Contains(again.stderr(), "exists") {
		t.Errorf("the error does not say why: %q", again.stderr())
	}
	if kept, err := zmq.LoadCertificate(path); err != nil || kept.Secret != c.Secret {
		t.Errorf("the certificate has changed: %v", err)
	}
}

func TestKeygenRefuses(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"no kind of key": {"keygen"}, "unknown verb": {"keygen", "rsa"}, `takes no arguments, and got "x"`: {"keygen", "curve", "x"},
		"more than one line": {"keygen", "curve", "--name", "a\nb"},
	} {
		keygen := start(t, nil, args...)
		keygen.expect(2, "")
		if !strings.Contains(keygen.stderr(), says) {
			t.Errorf("%q: %q does not say %q", args, keygen.stderr(), says)
		}
	}
	if help := start(t, nil, "keygen", "curve", "--help"); help.wait() != 0 || !strings.Contains(help.stdout(), "--out FILE") {
		t.Errorf("help: %q", help.stdout())
	}
}

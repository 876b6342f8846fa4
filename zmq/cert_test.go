// SPDX-License-Identifier: MIT

package zmq_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// What CZMQ 4.2.1 writes.
const (
	czmqPublic = `#   ****  Generated on 2026-11-21 13:21:36 by CZMQ  ****
#   ZeroMQ CURVE Public Certificate
#   Exchange securely, or use a secure mechanism to verify the contents
#   of this file after exchange. Store public certificates in your home
#   directory, in the .curve subdirectory.

metadata
    name = "Ada \ L#x = 'y'"
    empty = ""
    email = "a@b.c"
curve
    public-key = "` + somePublic + `"
`
	czmqSecret = `#   ****  Generated on 2026-11-21 13:21:36 by CZMQ  ****
#   ZeroMQ CURVE **Secret** Certificate
#   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions.

metadata
    name = "Ada \ L#x = 'y'"
    empty = ""
    email = "a@b.c"
curve
    public-key = "` + somePublic + `"
    secret-key = "` + someSecret + `"
`
)

// written makes a file of the test's.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	testkit.Check(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestCertificatesOfCZMQ(t *testing.T) {
	path := written(t, "ada", czmqPublic)
	public, err := zmq.LoadCertificate(path)
	testkit.Check(t, err)
	want := map[string]string{"name": `Ada \ L#x = 'y'`, "empty": "", "email": "a@b.c"}
	if public.Public.String() != somePublic || public.Secret != (zmq.SecretKey{}) || !maps.Equal(public.Metadata, want) {
		t.Errorf("the public half is %+v", public)
	}
	testkit.Check(t, os.WriteFile(path+"_secret", []byte(czmqSecret), 0o600))
	whole, err := zmq.LoadCertificate(path)
	testkit.Check(t, err)
	if whole.Public != public.Public || whole.Secret.Z85() != someSecret || !maps.Equal(whole.Metadata, want) {
		t.Errorf("the whole is %+v", whole)
	}
}

// Everything that ZPL allows, and CZMQ reads.
func TestCertificatesWrittenByHand(t *testing.T) {
	path := written(t, "hand", "# a comment\r\n\r\nother # ignored\r\n    deep\r\n        deeper = 1\r\n   # a comment between\r\ncurve\r\n"+
		"    public-key='"+somePublic+"'   # the key\r\nmetadata = x\r\n    name = Ada Lovelace   # the first\r\n    none\r\n    quote = 'say \"hi\"'")
	c, err := zmq.LoadCertificate(path)
	testkit.Check(t, err)
	want := map[string]string{"name": "Ada Lovelace", "none": "", "quote": `say "hi"`}
	if c.Public.String() != somePublic || !maps.Equal(c.Metadata, want) {
		t.Errorf("read %+v", c)
	}
}

func TestLoadCertificateRefuses(t *testing.T) {
	key := "curve\n    public-key = \"" + somePublic + "\"\n"
	for text, says := range map[string]string{
		"":         "public key: 0 characters",
		"curve":    "public key",
		"metadata": "public key",
		"curve\n    public-key = \"" + somePublic[1:] + "\"\n":          "39 characters",
		"curve\n    public-key = \"" + strings.Repeat("0", 40) + "\"\n": "all zeros",
		"curve\n    public-key = \"" + somePublic + "\n":                "line 2: a quoted value",
		"curve\n    public-key = \"" + somePublic + "\" x\n":            "line 2: a quoted value",
		"curve\n  public-key = \"" + somePublic + "\"\n":                "line 2: indented by 2",
		"curve\n        public-key = \"" + somePublic + "\"\n":          "line 2: indented by more",
		"    public-key = \"" + somePublic + "\"\n":                     "line 1: indented by more",
		"curve\n\tpublic-key = \"" + somePublic + "\"\n":                "line 2: no name",
		key + "    public-key = \"" + somePublic + "\"\n":               "twice",
		key + "    secret-key = \"" + someSecret[:39] + "\"\n":          "secret key: 39",
		key + "    secret-key = \"" + someSecret[:39] + "g\"\n":         "one pair",
		key + "metadata\n    /name = x\n":                               "line 4: no name",
		key + "metadata\n    name: x\n":                                 "line 4: a name is followed",
		key + "metadata\n    x = \"\x00\"\n":                            "NUL",
		key + "metadata\n    name = \"a\"\n    name = \"b\"\n":          "metadata/name is there twice",
		key + "# " + strings.Repeat("x", 1025) + "\n":                   "1024",
		key + strings.Repeat("# "+strings.Repeat("x", 1000)+"\n", 66):   "65536",
		key + "metadata\n" + strings.Repeat("    x = 1\n", 300):         "more than 256",
		"<?xml version=\"1.0\"?>":                                       "line 1",
		"-----BEGIN CERTIFICATE-----\nMIIB\n":                           "line 1",
		"\x7fELF\x02\x01\x01":                                           "line 1",
	} {
		c, err := zmq.LoadCertificate(written(t, "bad", text))
		switch {
		case err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "bad"):
			t.Errorf("%.100q: %v, which does not say %q", text, err, says)
		case strings.Contains(err.Error(), someSecret[:10]):
			t.Errorf("the error shows the secret key: %v", err)
		case c.Public != (zmq.PublicKey{}):
			t.Errorf("%.100q: an error, and %+v", text, c)
		}
	}
	if _, err := zmq.LoadCertificate(filepath.Join(t.TempDir(), "nobody")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestSaveCertificate(t *testing.T) {
	public, secret, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	c := zmq.Certificate{Public: public, Secret: secret, Metadata: map[string]string{"name": "Ada", "email": "ada@example.org", "say": `"hi"`, "none": ""}}
	path := filepath.Join(t.TempDir(), "ada")
	testkit.Check(t, c.Save(path))
	back, err := zmq.LoadCertificate(path)
	testkit.Check(t, err)
	if back.Public != public || back.Secret != secret || !maps.Equal(back.Metadata, c.Metadata) {
		t.Errorf("saved %+v, loaded %+v", c, back)
	}
	open, err := os.ReadFile(path)
	testkit.Check(t, err)
	if strings.Contains(string(open), secret.Z85()) {
		t.Error("the public file has the secret key")
	}
	if text, err := c.Text(); err != nil || text != string(open) {
		t.Errorf("Text: %q, %v", text, err)
	}
	kept, err := os.ReadFile(path + "_secret")
	testkit.Check(t, err)
	if text, err := c.SecretText(); err != nil || text != string(kept) {
		t.Errorf("SecretText is not what was saved, %v", err)
	}
	if text, err := (zmq.Certificate{Public: public}).SecretText(); err == nil || text != "" {
		t.Errorf("SecretText of a public half: %q, %v", text, err)
	}
	info, err := os.Stat(path + "_secret")
	testkit.Check(t, err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the secret file has the permissions %v", info.Mode())
	}
	if err := c.Save(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("saved over a certificate: %v", err)
	}
	testkit.Check(t, os.Remove(path+"_secret"))
	if err := c.Save(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("saved over the public half: %v", err)
	}
	if _, err := os.Stat(path + "_secret"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a secret file stayed of a certificate that was not saved: %v", err)
	}
	testkit.Check(t, back.SavePublic(path+"2"))
	if again, err := zmq.LoadCertificate(path + "2"); err != nil || again.Public != public || again.Secret != (zmq.SecretKey{}) {
		t.Errorf("the public half is %+v, %v", again, err)
	}
}

func TestSaveCertificateRefuses(t *testing.T) {
	public, secret, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	other, _, err := zmq.GenerateKeys()
	testkit.Check(t, err)
	with := func(name, value string) zmq.Certificate {
		return zmq.Certificate{Public: public, Secret: secret, Metadata: map[string]string{name: value}}
	}
	for says, c := range map[string]zmq.Certificate{
		"no secret key": {Public: public}, "all zeros": {Secret: secret}, "one pair": {Public: other, Secret: secret},
		"more than one line": with("x", "a\nb"), "both kinds": with("x", `"'`), "other characters": with("a b", "x"),
		"the name \"\"": with("", "x"), "the name \"/x\"": with("/x", ""), "1024 bytes": with("x", strings.Repeat("y", 1024)),
	} {
		path := filepath.Join(t.TempDir(), "bad")
		if err := c.Save(path); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("Save: %v, which does not say %q", err, says)
		}
		left, err := os.ReadDir(filepath.Dir(path))
		testkit.Check(t, err)
		if len(left) > 0 {
			t.Errorf("%q: there are files: %v", says, left)
		}
	}
}

// FuzzCertificate checks that a certificate that can be read is the same after it was written.
func FuzzCertificate(f *testing.F) {
	f.Add("metadata\n    name = \"Ada \\ L#x = 'y'\"\n    empty = \"\"\n")
	f.Add("    secret-key = \"" + someSecret + "\"\n")
	f.Add("metadata\n    a\n        b = 'c\"'\n")
	f.Add("    other = x\nmetadata\n    a = \t x  # y\n    b = '\"'\n    c/d = \"'\"")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "c")
		testkit.Check(t, os.WriteFile(path, []byte("curve\n    public-key = '"+somePublic+"'\n"+text), 0o600))
		c, err := zmq.LoadCertificate(path)
		if err != nil {
			return
		}
		c.Secret = zmq.SecretKey{}
		again, err := c.Text()
		if err != nil {
			t.Logf("cannot be written: %v", err) // a line that is too long with its quotes
			return
		}
		testkit.Check(t, os.WriteFile(path, []byte(again), 0o600))
		back, err := zmq.LoadCertificate(path)
		if err != nil || back.Public != c.Public || !maps.Equal(back.Metadata, c.Metadata) {
			t.Errorf("%q became %q and %+v: %v", text, again, back, err)
		}
	})
}

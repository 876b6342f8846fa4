// SPDX-License-Identifier: MIT

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func testDistribution() *distribution {
	return &distribution{version: "0.1.0", at: time.Unix(1_700_000_000, 0).UTC(), docs: []file{
		{"LICENSE", []byte("MIT\n"), 0o644},
		{"README.md", []byte("# Spry\n"), 0o644},
		{"CHANGELOG.md", []byte("# Changelog\n"), 0o644},
		{"completions/spry.bash", []byte("complete spry\n"), 0o644},
		{"man/spry.1", []byte(".TH spry 1\n"), 0o644},
	}}
}

var command = file{"spry", []byte("a program"), 0o755}

func TestTarHoldsTheFiles(t *testing.T) {
	d := testDistribution()
	var out bytes.Buffer
	if err := writeTar(&out, "base", append([]file{command}, d.docs...), d.at); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(d.at) || h.Uid != 0 {
			t.Errorf("%s is of %v, owner %d", h.Name, h.ModTime, h.Uid)
		}
		if h.Name == "base/spry" && h.Mode != 0o755 {
			t.Errorf("the command has mode %o", h.Mode)
		}
		names = append(names, h.Name)
	}
	want := "base/spry base/LICENSE base/README.md base/CHANGELOG.md base/completions/spry.bash base/man/spry.1"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestZipHoldsTheFiles(t *testing.T) {
	d := testDistribution()
	var out bytes.Buffer
	if err := writeZip(&out, "base", append([]file{command}, d.docs...), d.at); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 6 || z.File[0].Name != "base/spry" || z.File[0].Mode() != 0o755 || !z.File[0].Modified.Equal(d.at) {
		t.Errorf("%d files, the first of them %+v", len(z.File), z.File[0].FileHeader)
	}
}

func TestCompressedFilesAreWhole(t *testing.T) {
	data, err := compress([]byte("a page\n"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != "a page\n" || z.Name != "" || !z.ModTime.IsZero() {
		t.Errorf("got %q, %v, and %+v", got, err, z.Header)
	}
}

// The same files give the same bytes, whenever and wherever they are packed.
func TestDebIsReproducibleAndDpkgReadsIt(t *testing.T) {
	var built [2]bytes.Buffer
	for i := range built {
		if err := writeDeb(&built[i], testDistribution(), platform{"linux", "arm64"}, command); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(built[0].Bytes(), built[1].Bytes()) {
		t.Error("two packages of the same files differ")
	}
	name := filepath.Join(t.TempDir(), "spry.deb")
	if err := os.WriteFile(name, built[0].Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("NOT TESTED: dpkg-deb is missing; install Debian's dpkg")
	}
	if err != nil {
		t.Skip("NOT TESTED: dpkg-deb is missing; install Debian's dpkg")
	}
	fields, err := exec.Command(dpkg, "--show", "--showformat=${Package} ${Version} ${Architecture}", name).CombinedOutput()
	if got := string(fields); err != nil || got != "spry 0.1.0 arm64" {
		t.Errorf("dpkg-deb --show prints %q, %v", got, err)
	}
	list, err := exec.Command(dpkg, "--contents", name).CombinedOutput()
	for _, want := range []string{
		"-rwxr-xr-x root/root", "./usr/bin/spry", "./usr/share/man/man1/spry.1.gz", "./usr/share/bash-completion/completions/spry",
		"./usr/share/doc/spry/copyright", "./usr/share/doc/spry/changelog.gz",
	} {
		if err != nil || !strings.Contains(string(list), want) {
			t.Errorf("no %s in the package, %v:\n%s", want, err, list)
		}
	}
}

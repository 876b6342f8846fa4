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
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

// writeTar writes files, in a folder called base, as a compressed tar archive.
func writeTar(out io.Writer, base string, fs []file, at time.Time) error {
	compressed := gzip.NewWriter(out)
	t := tar.NewWriter(compressed)
	for _, f := range fs {
		h := &tar.Header{Name: path.Join(base, f.name), Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: at, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.data); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

// writeZip writes files, in a folder called base, as a zip archive.
func writeZip(out io.Writer, base string, fs []file, at time.Time) error {
	z := zip.NewWriter(out)
	for _, f := range fs {
		h := &zip.FileHeader{Name: path.Join(base, f.name), Method: zip.Deflate, Modified: at}
		h.SetMode(f.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := w.Write(f.data); err != nil {
			return err
		}
	}
	return z.Close()
}

// writeDeb writes a Debian package of the command, its manual pages and its completions. nfpm takes files from a folder.
func writeDeb(out io.Writer, d *distribution, p platform, binary file) (err error) {
	stage, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	var contents files.Contents
	for i, f := range append([]file{binary}, d.docs...) {
		destination := debianPath(f.name)
		if destination == "" {
			continue
		}
		if strings.HasSuffix(destination, ".gz") {
			if f.data, err = compress(f.data); err != nil {
				return err
			}
		}
		source := filepath.Join(stage, strconv.Itoa(i))
		if err := os.WriteFile(source, f.data, 0o600); err != nil {
			return err
		}
		info := &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode, MTime: d.at}
		contents = append(contents, &files.Content{Source: source, Destination: destination, FileInfo: info})
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "spry", Version: d.version, Arch: p.processor, Platform: p.system, MTime: d.at, Section: "net", Priority: "optional",
		Maintainer: "The Spry authors <spry@users.noreply.github.com>", Homepage: "https://github.com/sprymq/spry", License: "MIT",
		Description:  "brokerless messaging from the shell\nSends and receives messages over the Scalability Protocols (nanomsg, NNG) and ZeroMQ.",
		Overridables: nfpm.Overridables{Contents: contents},
	})
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return err
	}
	return deb.Default.Package(info, out)
}

// debianPath is where Debian has a file of an archive, or "".
func debianPath(name string) string {
	switch folder, base := path.Split(name); {
	case name == "spry":
		return "/usr/bin/spry"
	case name == "LICENSE":
		return "/usr/share/doc/spry/copyright"
	case name == "CHANGELOG.md":
		return "/usr/share/doc/spry/changelog.gz"
	case folder == "man/":
		return "/usr/share/man/man1/" + base + ".gz"
	case folder == "completions/":
		for _, c := range completions {
			if c.name == base {
				return c.debian
			}
		}
	}
	return ""
}

// compress compresses data as gzip -9n does: without a name and a time.
func compress(data []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	err = z.Close() // which writes the most
	return out.Bytes(), err
}

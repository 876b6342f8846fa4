// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// check builds every module as its users get it: from its archive, with the others from the proxy, and without go.work, which
// raises each dependency to the highest version that any module asks for. It fails if a go.mod or go.sum file is not tidy; with
// fix, it writes the tidy one instead. It also fails if CHANGELOG.md says nothing about the version.
func check(ctx context.Context, w *workspace, fix bool, log io.Writer) error {
	if _, err := w.notes(); err != nil {
		return err
	}
	return w.tidy(ctx, log, func(u *user, m released, dir string) error {
		for _, name := range moduleFiles {
			if err := w.compare(m, u.path(dir), name, fix); err != nil {
				return err
			}
		}
		_, err := u.run(ctx, dir, "go", "build", "-o", os.DevNull, "./...")
		return err
	})
}

// writeSums writes the checksums of the modules into the go.sum of those that require them.
func writeSums(ctx context.Context, w *workspace, log io.Writer) error {
	if err := w.committed(ctx); err != nil {
		return err
	}
	return w.tidy(ctx, log, func(u *user, m released, dir string) error {
		if err := w.compare(m, u.path(dir), "go.mod", false); err != nil {
			return err
		}
		sums, err := readAny(u.path(dir, "go.sum"))
		if err != nil || sums == nil {
			return err
		}
		return os.WriteFile(w.name(m, "go.sum"), sums, 0o644)
	})
}

// moduleFiles are those that go mod tidy writes.
var moduleFiles = []string{"go.mod", "go.sum"}

// tidy calls visit for every module, with the folder in a user's home where its archive is unpacked and tidy. A module comes after
// those that it requires, which the proxy then serves tidy too: its go.sum has their checksums, and is a part of its own.
func (w *workspace) tidy(ctx context.Context, log io.Writer, visit func(u *user, m released, dir string) error) (err error) {
	u, err := newUser(ctx, w, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.leave()) }()
	for _, m := range w.modules {
		v := module.Version{Path: m.path, Version: w.version}
		dir := filepath.Join("src", filepath.FromSlash(m.sub), "module") // beside those of the others, not within them
		base := u.path("proxy", filepath.FromSlash(m.path), "@v", w.version)
		if err := zip.Unzip(u.path(dir), v, base+".zip"); err != nil {
			return err
		}
		for _, name := range moduleFiles {
			if err := w.forget(u.path(dir, name)); err != nil {
				return err
			}
		}
		if _, err := u.run(ctx, dir, "go", "mod", "tidy"); err != nil {
			return err
		}
		if err := visit(u, m, dir); err != nil {
			return err
		}
		if err := archive(v, u.path(dir), base); err != nil {
			return err
		}
	}
	return nil
}

// forget makes a file of an unpacked archive writable, and drops the checksums of the workspace's own modules from it: those of
// the last release do not fit what has changed since.
func (w *workspace) forget(name string) error {
	data, err := readAny(name)
	if err != nil || data == nil {
		return err
	}
	return errors.Join(os.Remove(name), os.WriteFile(name, w.withoutOwnSums(filepath.Base(name), data), 0o644))
}

// archive writes the archive and the go.mod of a module, which is in dir, as a proxy serves them.
func archive(v module.Version, dir, base string) error {
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	file, err := os.Create(base + ".zip")
	if err != nil {
		return err
	}
	return errors.Join(zip.CreateFromDir(file, v, dir), file.Close(), os.WriteFile(base+".mod", data, 0o644))
}

// compare compares a file of a module with its tidy form, which is in dir. The checksums of the workspace's own modules do not
// count: they change with every commit, and are written for a release only.
func (w *workspace) compare(m released, dir, name string, fix bool) error {
	kept := w.name(m, name)
	have, err := readAny(kept)
	if err != nil {
		return err
	}
	tidy, err := readAny(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	tidy, have = w.withoutOwnSums(name, tidy), w.withoutOwnSums(name, have)
	switch {
	case bytes.Equal(have, tidy):
		return nil
	case fix:
		return os.WriteFile(kept, tidy, 0o644)
	}
	return fmt.Errorf("%s is not tidy: run release tidy", kept)
}

// name is that of a file of a module.
func (w *workspace) name(m released, file string) string {
	return filepath.Join(w.folder, filepath.FromSlash(m.sub), file)
}

// readAny reads a file, or nothing if it is not there: a module that requires no other has no go.sum.
func readAny(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (w *workspace) withoutOwnSums(name string, data []byte) []byte {
	if name != "go.sum" {
		return data
	}
	var rest strings.Builder
	for line := range strings.Lines(string(data)) {
		if path, _, _ := strings.Cut(line, " "); !w.owns(path) {
			rest.WriteString(line)
		}
	}
	return []byte(rest.String())
}

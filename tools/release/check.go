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
func check(ctx context.Context, w *workspace, fix bool, log io.Writer) (err error) {
	if _, err := w.notes(); err != nil {
		return err
	}
	u, err := newUser(ctx, w, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.leave()) }()
	for _, m := range w.modules {
		dir := filepath.Join("src", filepath.FromSlash(m.sub), "module") // beside those of the others, not within them
		archive := u.path("proxy", filepath.FromSlash(m.path), "@v", w.version+".zip")
		if err := zip.Unzip(u.path(dir), module.Version{Path: m.path, Version: w.version}, archive); err != nil {
			return err
		}
		if _, err := u.run(ctx, dir, "go", "mod", "tidy"); err != nil {
			return err
		}
		for _, name := range []string{"go.mod", "go.sum"} {
			if err := w.compare(m, u.path(dir), name, fix); err != nil {
				return err
			}
		}
		if _, err := u.run(ctx, dir, "go", "build", "-o", os.DevNull, "./..."); err != nil {
			return err
		}
	}
	return nil
}

// compare compares a file of a module with its tidy form, which is in dir. The checksums of the workspace's own modules do not
// count: they change with every commit, and are written for a release only.
func (w *workspace) compare(m released, dir, name string, fix bool) error {
	kept := filepath.Join(w.folder, filepath.FromSlash(m.sub), name)
	have, err := os.ReadFile(kept)
	if err != nil {
		return err
	}
	tidy, err := os.ReadFile(filepath.Join(dir, name))
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

// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// writeProxy writes the modules of the commit that is checked out to dir, which GOPROXY=file://dir then serves.
func (w *workspace) writeProxy(ctx context.Context, dir string) (err error) {
	at, err := w.commitTime(ctx)
	if err != nil {
		return err
	}
	clone, err := os.MkdirTemp("", "release") // archives are made from clones, not from linked work trees
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(clone)) }()
	c := exec.CommandContext(ctx, "git", "clone", "--quiet", "--no-checkout", w.folder, clone)
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("git clone: %w", err)
	}
	for _, m := range w.modules {
		escaped, err := module.EscapePath(m.path)
		if err != nil {
			return err
		}
		versions := filepath.Join(dir, filepath.FromSlash(escaped), "@v")
		if err := os.MkdirAll(versions, 0o755); err != nil {
			return err
		}
		if err := w.writeModule(m, clone, filepath.Join(versions, w.version), at); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
		if err := os.WriteFile(filepath.Join(versions, "list"), []byte(w.version+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeModule writes the three files of a version, whose names begin with base, from a clone.
func (w *workspace) writeModule(m released, clone, base string, at time.Time) (err error) {
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{w.version, at})
	if err != nil {
		return err
	}
	archive, err := os.Create(base + ".zip")
	if err != nil {
		return err
	}
	v := module.Version{Path: m.path, Version: w.version}
	err = errors.Join(zip.CreateFromVCS(archive, v, clone, "HEAD", m.sub), archive.Close())
	if err != nil {
		return err
	}
	data, err := os.ReadFile(m.file.Syntax.Name)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(base+".info", info, 0o644), os.WriteFile(base+".mod", data, 0o644))
}

// commitTime is the time of the commit that is checked out.
func (w *workspace) commitTime(ctx context.Context) (time.Time, error) {
	c := exec.CommandContext(ctx, "git", "-C", w.folder, "log", "-1", "--format=%cI")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("git log: %w", err)
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(out)))
	return at.UTC(), err
}

// committed returns an error if the work tree differs from the commit that is checked out. Files that git does not know do not
// count.
func (w *workspace) committed(ctx context.Context) error {
	c := exec.CommandContext(ctx, "git", "-C", w.folder, "status", "--porcelain", "--untracked-files=no")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("git status: %w", err)
	}
	if len(out) > 0 {
		return fmt.Errorf("commit first:\n%s", out)
	}
	return nil
}

// writeSums writes the checksums of the modules into the go.sum of those that require them. Only the root is required by
// others, and its archive has no file of theirs: writing them leaves its checksum as it is.
func (w *workspace) writeSums(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := w.writeProxy(ctx, dir); err != nil {
		return err
	}
	base := filepath.Join(dir, filepath.FromSlash(w.root), "@v", w.version)
	whole, err := dirhash.HashZip(base+".zip", dirhash.Hash1)
	if err != nil {
		return err
	}
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return os.Open(base + ".mod") })
	if err != nil {
		return err
	}
	lines := []string{w.root + " " + w.version + " " + whole, w.root + " " + w.version + "/go.mod " + mod}
	for _, m := range w.modules {
		requires := slices.ContainsFunc(m.file.Require, func(r *modfile.Require) bool { return r.Mod.Path == w.root })
		if !requires {
			continue
		}
		if err := replaceSums(filepath.Join(w.folder, filepath.FromSlash(m.sub), "go.sum"), w.root, lines); err != nil {
			return err
		}
	}
	return nil
}

// replaceSums replaces the lines of a module in a go.sum file, whose order is that of the modules' paths.
func replaceSums(name, path string, lines []string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var sums []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, path+" ") {
			sums = append(sums, line)
		}
	}
	at := slices.IndexFunc(sums, func(line string) bool { return line > path+" " })
	if at < 0 {
		at = len(sums)
	}
	sums = slices.Insert(sums, at, lines...)
	return os.WriteFile(name, []byte(strings.Join(sums, "\n")+"\n"), 0o644)
}

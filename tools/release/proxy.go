// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
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

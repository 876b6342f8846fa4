// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// A workspace is the modules of a go.work file. They are released together and have the same version.
type workspace struct {
	folder  string
	root    string     // the path of the module in folder
	version string     // which the modules require of each other
	cache   string     // of the go command that builds the modules; "" is that of the machine
	modules []released // each after those that it requires
	file    *modfile.WorkFile
}

// A released is one module of a workspace.
type released struct {
	path string
	sub  string // its folder within the workspace, with slashes; "" is the workspace's own
	file *modfile.File
}

func readWorkspace(folder string) (*workspace, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(folder, "go.work")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	w := &workspace{folder: folder}
	if w.file, err = modfile.ParseWork(name, data, nil); err != nil {
		return nil, err
	}
	for _, use := range w.file.Use {
		m := released{sub: path.Clean(filepath.ToSlash(use.Path))}
		if m.sub == "." {
			m.sub = ""
		}
		name := filepath.Join(folder, use.Path, "go.mod")
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if m.file, err = modfile.Parse(name, data, nil); err != nil {
			return nil, err
		}
		if m.path = m.file.Module.Mod.Path; m.sub == "" {
			w.root = m.path
		}
		w.modules = append(w.modules, m)
	}
	if w.root == "" {
		return nil, fmt.Errorf("%s: no module in the workspace's own folder", name)
	}
	return w, errors.Join(w.sort(), w.check())
}

// owns reports whether path is that of a module of the workspace.
func (w *workspace) owns(path string) bool {
	return slices.ContainsFunc(w.modules, func(m released) bool { return m.path == path })
}

// requires reports whether go.mod names the module with a path, which it does for indirect requirements too.
func (m released) requires(path string) bool {
	return slices.ContainsFunc(m.file.Require, func(r *modfile.Require) bool { return r.Mod.Path == path })
}

// sort puts each module after those that it requires.
func (w *workspace) sort() error {
	var sorted []released
	for rest := w.modules; len(rest) > 0; {
		at := slices.IndexFunc(rest, func(m released) bool {
			return !slices.ContainsFunc(rest, func(other released) bool { return m.requires(other.path) })
		})
		if at < 0 {
			return fmt.Errorf("%s is in a circle of modules that require each other, or requires one that is: no checksum could be the first", rest[0].path)
		}
		sorted = append(sorted, rest[at])
		rest = slices.Delete(rest, at, at+1)
	}
	w.modules = sorted
	return nil
}

// check finds the version, which is the same everywhere, and refuses what cannot be released.
func (w *workspace) check() error {
	for _, m := range w.modules {
		if len(m.file.Replace) > 0 || len(m.file.Exclude) > 0 {
			return fmt.Errorf("%s: go install refuses a module with replace or exclude", m.path)
		}
		for _, r := range m.file.Require {
			switch {
			case !w.owns(r.Mod.Path):
			case w.version == "":
				w.version = r.Mod.Version
			case w.version != r.Mod.Version:
				return fmt.Errorf("%s requires %s and another module %s: run release version", m.path, r.Mod, w.version)
			}
		}
	}
	if w.version == "" {
		return errors.New("no module of the workspace requires another")
	}
	return nil
}

// setVersion writes the version into what the modules require of each other, and into go.work, which has the modules in the
// place of that version until it is published.
func (w *workspace) setVersion(version string) error {
	if semver.Canonical(version) != version {
		return fmt.Errorf("%q is not a version: write it like v0.2.0", version)
	}
	for _, m := range w.modules {
		for _, r := range slices.Clone(m.file.Require) {
			if w.owns(r.Mod.Path) {
				if err := m.file.AddRequire(r.Mod.Path, version); err != nil {
					return err
				}
			}
		}
		data, err := m.file.Format()
		if err != nil {
			return err
		}
		if err := os.WriteFile(m.file.Syntax.Name, data, 0o644); err != nil {
			return err
		}
	}
	for _, r := range slices.Clone(w.file.Replace) {
		if w.owns(r.Old.Path) {
			path, old, place := r.Old.Path, r.Old.Version, r.New.Path // dropping it clears r
			if err := errors.Join(w.file.DropReplace(path, old), w.file.AddReplace(path, version, place, "")); err != nil {
				return err
			}
		}
	}
	w.file.Cleanup()
	return os.WriteFile(w.file.Syntax.Name, modfile.Format(w.file.Syntax), 0o644)
}

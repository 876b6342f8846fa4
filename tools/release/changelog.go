// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// notes returns what CHANGELOG.md says about the workspace's version. It must be the first section after Unreleased, with the
// date of the release.
func (w *workspace) notes() (string, error) {
	name := filepath.Join(w.folder, "CHANGELOG.md")
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	_, sections, _ := strings.Cut(string(data), "\n## [Unreleased]\n")
	_, section, _ := strings.Cut("\n"+sections, "\n## ")
	section, _, _ = strings.Cut(section, "\n## ")
	title, text, _ := strings.Cut(section, "\n")
	version, date, _ := strings.Cut(title, " - ")
	if version != "["+strings.TrimPrefix(w.version, "v")+"]" {
		return "", fmt.Errorf("%s: the section after [Unreleased] is %q, and go.mod files require %s", name, title, w.version)
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return "", fmt.Errorf("%s: section %q has no date like 2006-01-02", name, title)
	}
	text, _, _ = strings.Cut(text, "\n[Unreleased]:") // the links are at the end
	if text = strings.TrimSpace(text); text == "" {
		return "", fmt.Errorf("%s: section %q is empty", name, title)
	}
	return text + "\n", nil
}

// printNotes prints the notes of a version, and refuses another than the workspace's: a tag must be that of what it marks.
func printNotes(w *workspace, version string, out io.Writer) error {
	if version != w.version {
		return fmt.Errorf("this is %s and not %q", w.version, version)
	}
	notes, err := w.notes()
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, notes)
	return err
}

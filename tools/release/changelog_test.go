// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNotesAreThoseOfTheVersion(t *testing.T) {
	const head = "# Changelog\n\nText.\n\n"
	for _, test := range []struct{ log, notes, wrong string }{
		{log: head + "## [Unreleased]\n\n## [0.1.0] - 2026-11-30\n\n- New.\n\n## [0.0.9] - 2026-01-01\n\n- Old.\n", notes: "- New.\n"},
		{log: head + "## [Unreleased]\n\n### Added\n\n- Newer.\n\n## [0.1.0] - 2026-11-30\n\n### Added\n\n- New.\n", notes: "### Added\n\n- New.\n"},
		{log: head + "## [Unreleased]\n\n## [0.1.0] - 2026-11-30\n\n- New.\n\n[Unreleased]: https://example.org\n", notes: "- New.\n"},
		{log: head + "## [Unreleased]\n\n- New.\n", wrong: `is ""`},
		{log: head + "## [Unreleased]\n\n## [0.0.9] - 2026-01-01\n\n- Old.\n\n## [0.1.0] - 2026-11-30\n\n- New.\n", wrong: "[0.0.9]"},
		{log: head + "## [Unreleased]\n\n## [0.1.0]\n\n- New.\n", wrong: "no date"},
		{log: head + "## [Unreleased]\n\n## [0.1.0] - 30.11.2026\n\n- New.\n", wrong: "no date"},
		{log: head + "## [Unreleased]\n\n## [0.1.0] - 2026-11-30\n", wrong: "empty"},
	} {
		w := &workspace{folder: t.TempDir(), version: "v0.1.0"}
		if err := os.WriteFile(filepath.Join(w.folder, "CHANGELOG.md"), []byte(test.log), 0o644); err != nil {
			t.Fatal(err)
		}
		notes, err := w.notes()
		if test.wrong == "" && (err != nil || notes != test.notes) {
			t.Errorf("%q: got %q, %v; want %q", test.log, notes, err, test.notes)
		}
		if test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%q: got %q, %v; want an error with %q", test.log, notes, err, test.wrong)
		}
	}
}

func TestNotesOfAnotherVersionAreRefused(t *testing.T) {
	folder := newWorkspace(t)
	if err := run(t.Context(), []string{"-C", folder, "notes", "v0.2.0"}); err == nil || !strings.Contains(err.Error(), "this is v0.1.0") {
		t.Errorf("got %v", err)
	}
}

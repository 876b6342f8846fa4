// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDistRefusesWhatIsNoRelease(t *testing.T) {
	folder := newWorkspace(t)
	if err := run(t.Context(), []string{"-C", folder, "dist", t.TempDir(), "linux/amd64", "plan9/amd64"}); err == nil || !strings.Contains(err.Error(), `"plan9/amd64"`) {
		t.Errorf("for a platform that is not distributed: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "m.go"), []byte("package m // changed\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-C", folder, "dist", t.TempDir()}); err == nil || !strings.Contains(err.Error(), "commit first:\n M m.go") {
		t.Errorf("for a work tree with a change: %v", err)
	}
}

func TestPlatformsAreChosenByName(t *testing.T) {
	if all, err := choosePlatforms(nil); err != nil || len(all) != 8 {
		t.Errorf("no name chooses %v, %v", all, err)
	}
	if one, err := choosePlatforms([]string{"darwin/arm64"}); err != nil || len(one) != 1 || one[0] != (platform{"darwin", "arm64"}) {
		t.Errorf("darwin/arm64 chooses %v, %v", one, err)
	}
}

// The command in an image is run by another user than the one who built it.
func TestModesDoNotDependOnTheUmask(t *testing.T) {
	d := &distribution{folder: t.TempDir()}
	name := filepath.Join(d.folder, "image", "spry")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, 0o600); err != nil { // as with umask 077
		t.Fatal(err)
	}
	if err := d.keep("image/spry", []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

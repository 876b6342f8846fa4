// SPDX-License-Identifier: MIT

package dash

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// The page loads what the module has and nothing else, and needs no exception from a strict policy.
func TestPageIsWhole(t *testing.T) {
	files, err := fs.Sub(pageFiles, "page/dist")
	if err != nil {
		t.Fatal(err)
	}
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, inline := range []string{"<style", " style=", " onload=", "javascript:", "http-equiv"} {
		if bytes.Contains(index, []byte(inline)) {
			t.Errorf("index.html has %s", inline)
		}
	}
	if scripts := regexp.MustCompile(`<script[^>]*>`).FindAllString(string(index), -1); len(scripts) != 1 || !strings.Contains(scripts[0], `src="assets/`) {
		t.Errorf("scripts: %v", scripts)
	}
	used := map[string]bool{}
	for _, ref := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(string(index), -1) {
		if strings.HasPrefix(ref[1], "data:") {
			continue
		}
		if strings.HasPrefix(ref[1], "/") || strings.Contains(ref[1], ":") {
			t.Errorf("%s is not relative to the page", ref[1])
		}
		used[ref[1]] = true
	}
	var scripts []byte // a script names its workers
	for name := range used {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Errorf("index.html asks for %v", err)
		}
		scripts = append(scripts, text...)
	}
	var size int
	err = fs.WalkDir(files, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !regexp.MustCompile(`-[A-Z0-9]{8}\.(js|css)$`).MatchString(name) {
			t.Errorf("the name of %s has no hash, so browsers would keep an old one", name)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if !used[name] && !bytes.Contains(scripts, []byte(path.Base(name))) {
			t.Errorf("nothing uses %s", name)
		}
		if bytes.Contains(text, []byte("sourceMappingURL")) || bytes.Contains(text, []byte("@import")) {
			t.Errorf("%s loads something else", name)
		}
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, _ = w.Write(text) // a Buffer takes everything
		_ = w.Close()
		size += zipped.Len()
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if size > 100_000 {
		t.Errorf("the assets have %d bytes, compressed", size)
	}
}

// The licences of what the page contains come with it.
func TestPageHasLicences(t *testing.T) {
	text, err := fs.ReadFile(pageFiles, "page/dist/licences.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"preact", "@preact/signals", "@preact/signals-core", "d3-force", "d3-dispatch", "d3-quadtree", "d3-timer", "uplot"} {
		if !regexp.MustCompile(`(?m)^` + name + ` [0-9.]+, (MIT|ISC|BSD-3-Clause)$`).Match(text) {
			t.Errorf("there is no licence of %s", name)
		}
	}
	if n := strings.Count(string(text), "Permission "); n < 5 {
		t.Errorf("%d licences have their text", n)
	}
}

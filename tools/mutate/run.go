// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// A result is what the tests of one package said to one change.
type result struct {
	Killer  string  // the test that failed, or "time ran out", or "build"; empty if all passed
	Seconds float64 // that it took
}

const (
	killerBuild = "build"
	killerTime  = "time ran out"
)

// A state remembers results, by a hash of the change and of all sources that they depend on.
type state struct {
	path    string
	Results map[string]result
}

func loadState(path string) (*state, error) {
	s := &state{path: path, Results: map[string]result{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, s)
	}
	return s, err
}

// save replaces the file, so that an interrupted run leaves a whole one.
func (s *state) save() error {
	data, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return err
	}
	temporary := s.path + ".new"
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, s.path)
}

// A runner applies changes and runs tests.
type runner struct {
	tree  *tree
	state *state
	dir   string        // for the changed files
	least time.Duration // that a package's tests are given
	own   bool          // only the changed package's tests
}

// verdict runs the tests that should see a change until one does. It returns the package and the test, or nothing if all
// passed.
func (r *runner) verdict(ctx context.Context, c *change) (killer string, err error) {
	p, err := r.tree.in(c.pkg)
	if err != nil {
		return "", err
	}
	file, contents, err := c.apply(p.files())
	if err != nil {
		return "", err
	}
	for i, tests := range r.tree.tests(p) {
		if r.own && i > 0 {
			break
		}
		base, err := r.remembered(ctx, "", tests, "", nil)
		switch {
		case err != nil:
			return "", err
		case base.Killer != "":
			return "", fmt.Errorf("without a change, %s fails: %s", tests.ImportPath, base.Killer)
		}
		res, err := r.remembered(ctx, c.key(), tests, file, contents)
		switch {
		case err != nil:
			return "", err
		case res.Killer == killerBuild:
			return "", errors.New("the changed package does not build")
		case res.Killer != "":
			return tests.ImportPath + " " + res.Killer, nil
		}
	}
	return "", nil
}

// remembered returns the result of a package's tests, from the state if it is known.
func (r *runner) remembered(ctx context.Context, key string, tests *pkg, file string, contents []byte) (result, error) {
	sum, err := r.tree.sum(tests)
	if err != nil {
		return result{}, err
	}
	id := hash(key, tests.ImportPath, sum)
	if res, ok := r.state.Results[id]; ok {
		return res, nil
	}
	limit := 10 * r.least
	if base, ok := r.state.Results[hash("", tests.ImportPath, sum)]; ok {
		limit = r.least + time.Duration(4*base.Seconds*float64(time.Second))
	}
	res, err := r.test(ctx, tests.ImportPath, file, contents, limit)
	if err != nil {
		return result{}, err
	}
	r.state.Results[id] = res
	return res, r.state.save()
}

// failed matches the first line by which go test names a test that failed, or what ended all of them.
var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^(panic: .*)$|^(fatal error: .*)$|^FAIL\s`)

func (r *runner) test(ctx context.Context, path, file string, contents []byte, limit time.Duration) (res result, err error) {
	args := []string{"test", "-vet=off", "-failfast", "-timeout", limit.String()}
	if file != "" {
		overlay, err := r.overlay(file, contents)
		if err != nil {
			return res, err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, path)...)
	cmd.Dir = r.tree.root
	began := time.Now()
	out, err := cmd.CombinedOutput()
	res.Seconds = time.Since(began).Seconds()
	if ctx.Err() != nil {
		return res, ctx.Err()
	}
	if err == nil {
		return res, nil
	}
	res.Killer = killerOf(out)
	if res.Killer == "" {
		return res, fmt.Errorf("go test %s: %w\n%s", path, err, out)
	}
	return res, nil
}

// killerOf says in a few words why tests failed.
func killerOf(out []byte) string {
	m := failed.FindSubmatch(out)
	switch {
	case m == nil:
		return ""
	case bytes.Contains(out, []byte(" failed]\n")): // build or setup
		return killerBuild
	case bytes.HasPrefix(m[0], []byte("panic: test timed out")):
		return killerTime
	}
	for _, name := range m[1:] {
		if len(name) > 0 {
			return string(name)
		}
	}
	return "failed"
}

// overlay writes the changed file, and what makes the go command read it in the other's place.
func (r *runner) overlay(file string, contents []byte) (string, error) {
	changed := filepath.Join(r.dir, filepath.Base(file))
	if err := os.WriteFile(changed, contents, 0o644); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(r.dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o644)
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s\n", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

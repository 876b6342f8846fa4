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
	"slices"
	"strings"
	"sync"
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
	mu      sync.Mutex
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

func (s *state) get(id string) (result, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	res, ok := s.Results[id]
	return res, ok
}

// put remembers a result, in a file that an interrupted run leaves whole.
func (s *state) put(id string, res result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Results[id] = res
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

// A suite is all tests of a package, or some.
type suite struct {
	tests *pkg
	run   string // a regular expression of their names; empty = all
}

func (s suite) String() string {
	if s.run == "" {
		return s.tests.ImportPath
	}
	return s.tests.ImportPath + " " + s.run
}

// A runner applies changes and runs tests. Several goroutines may use one.
type runner struct {
	tree  *tree
	state *state
	dir   string            // for the changed files
	least time.Duration     // that a package's tests are given
	own   bool              // only the changed package's tests, and the test that the list names
	named map[string]string // a regular expression of all tests that the list names in a folder

	unchanged sync.Mutex // held while tests run without a change: others would need the same result
}

// name collects the tests that the list names. They run without a change together, once for each package.
func (r *runner) name(changes []*change) {
	names := map[string][]string{}
	for _, c := range changes {
		if c.test.name != "" && !slices.Contains(names[c.test.dir], c.test.name) {
			names[c.test.dir] = append(names[c.test.dir], c.test.name)
		}
	}
	r.named = map[string]string{}
	for dir, tests := range names {
		slices.Sort(tests)
		r.named[dir] = "^(" + strings.Join(tests, "|") + ")$"
	}
}

// suites returns the tests that should see a change, the quickest first.
func (r *runner) suites(c *change, p *pkg) (all []suite, err error) {
	if c.test.name != "" {
		tests, err := r.tree.in(c.test.dir)
		if err != nil {
			return nil, err
		}
		all = append(all, suite{tests, "^" + c.test.name + "$"})
	}
	for i, tests := range r.tree.tests(p) {
		if i > 0 && (r.own || c.same != "") { // a reason is no better for many tests that pass
			break
		}
		all = append(all, suite{tests: tests})
	}
	return all, nil
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
	suites, err := r.suites(c, p)
	if err != nil {
		return "", err
	}
	for i, s := range suites {
		base, err := r.withoutChange(ctx, c, s)
		switch {
		case err != nil:
			return "", err
		case base.Killer != "":
			return "", fmt.Errorf("without a change, %s fails: %s", s, base.Killer)
		}
		res, err := r.remembered(ctx, c.key(), s, file, contents, r.limit(s, base))
		switch {
		case err != nil:
			return "", err
		case res.Killer == killerBuild:
			return "", errors.New("the changed package does not build")
		case res.Killer != "":
			killer = s.tests.ImportPath + " " + res.Killer
			if i > 0 && c.test.name != "" {
				killer += ", and not by " + c.test.name + " as the list says"
			}
			return killer, nil
		}
	}
	return "", nil
}

// withoutChange returns what the tests of a suite say of the sources as they are.
func (r *runner) withoutChange(ctx context.Context, c *change, s suite) (result, error) {
	if s.run != "" {
		s.run = r.named[c.test.dir]
	}
	r.unchanged.Lock()
	defer r.unchanged.Unlock()
	return r.remembered(ctx, "", s, "", nil, 10*r.least)
}

// limit is the time that tests are given, where they need base without a change.
func (r *runner) limit(s suite, base result) time.Duration {
	times := 4.0
	if s.run != "" {
		times = 1 // base is that of all tests that the list names
	}
	return r.least + time.Duration(times*base.Seconds*float64(time.Second))
}

// remembered returns the result of tests, from the state if it is known.
func (r *runner) remembered(ctx context.Context, key string, s suite, file string, contents []byte, limit time.Duration) (result, error) {
	sum, err := r.tree.sum(s.tests)
	if err != nil {
		return result{}, err
	}
	id := hash(key, s.String(), sum)
	if res, ok := r.state.get(id); ok {
		return res, nil
	}
	res, err := r.test(ctx, s, file, contents, limit)
	if err != nil {
		return result{}, err
	}
	return res, r.state.put(id, res)
}

// failed matches the first line by which go test names a test that failed, or what ended all of them.
var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^(panic: .*)$|^(fatal error: .*)$|^FAIL\s`)

func (r *runner) test(ctx context.Context, s suite, file string, contents []byte, limit time.Duration) (res result, err error) {
	args := []string{"test", "-vet=off", "-failfast", "-timeout", limit.String()}
	if s.run != "" {
		args = append(args, "-run", s.run)
	}
	if file != "" {
		overlay, err := r.overlay(file, contents)
		if err != nil {
			return res, err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, s.tests.ImportPath)...)
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
		return res, fmt.Errorf("go test %s: %w\n%s", s, err, out)
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
	dir, err := os.MkdirTemp(r.dir, "")
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(changed, contents, 0o644); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]map[string]string{"Replace": {file: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o644)
}

func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s\n", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// SPDX-License-Identifier: MIT

// Command test runs all tests of the workspace, as "go test work" does. At the end it prints a line for each thing that was
// not tested because a program was missing, and how to test it.
//
//	go run ./internal/test [flags of go test]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
		os.Exit(1)
	}
}

// longest are the packages whose tests take longest. They begin first, so that none of them is left alone at the end.
var longest = []string{"/internal/test/conformance", "/interop/zeromq", "/internal/test/stress", "/cmd/spry", "/internal/engine"}

// inOrder puts packages in the order in which they are to be tested.
func inOrder(packages []string) []string {
	place := func(name string) int {
		i := slices.IndexFunc(longest, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
		if i < 0 {
			return len(longest)
		}
		return i
	}
	return slices.SortedStableFunc(slices.Values(packages), func(a, b string) int { return place(a) - place(b) })
}

func run(ctx context.Context, flags []string, out io.Writer) error {
	list := exec.CommandContext(ctx, "go", "list", "work")
	list.Stderr = os.Stderr
	packages, err := list.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	c := exec.CommandContext(ctx, "go", slices.Concat([]string{"test", "-json"}, flags, inOrder(strings.Fields(string(packages))))...)
	c.Stderr = os.Stderr
	events, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	r := report{out: out, said: map[string][]string{}, missing: map[string]int{}}
	err = errors.Join(r.read(events), c.Wait())
	r.summary()
	return err
}

// An event is a line of go test -json.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// A report prints results as they arrive, and collects the tests that were skipped.
type report struct {
	out     io.Writer
	said    map[string][]string // the output of a test, or of a package outside of its tests
	missing map[string]int      // tests, by why they did not run
}

func (r *report) read(events io.Reader) error {
	for d := json.NewDecoder(events); ; {
		var e event
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("what go test prints: %w", err)
		}
		r.add(e)
	}
}

func (r *report) add(e event) {
	name := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.said[name] = append(r.said[name], e.Output)
	case "skip":
		for _, line := range r.said[name] {
			if m := notTested.FindStringSubmatch(line); m != nil {
				r.missing[m[1]]++
			}
		}
		delete(r.said, name)
	case "pass":
		if e.Test == "" {
			r.print(name, passed)
		}
		delete(r.said, name)
	case "fail":
		if e.Test == "" { // what ended the package, such as a panic, may be in a test that has no end
			for other := range r.said {
				if other != name && strings.HasPrefix(other, name) {
					r.print(other, anything)
				}
			}
		}
		r.print(name, anything)
		delete(r.said, name)
	}
}

var (
	notTested = regexp.MustCompile(`^\s*\S+\.go:\d+: (NOT TESTED.*)`)
	passed    = regexp.MustCompile(`^ok\s`)
	anything  = regexp.MustCompile(``)
)

// print prints the lines of a test that match.
func (r *report) print(name string, lines *regexp.Regexp) {
	for _, line := range r.said[name] {
		if lines.MatchString(line) {
			fmt.Fprint(r.out, line)
		}
	}
}

// summary prints the skipped tests.
func (r *report) summary() {
	reasons := make([]string, 0, len(r.missing))
	for why := range r.missing {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		fmt.Fprintf(r.out, "%s (%d tests)\n", why, r.missing[why])
	}
	if os.Getenv("SPRY_LONG") == "" {
		fmt.Fprintln(r.out, "NOT TESTED: the full numbers of tests that repeat or attack; SPRY_LONG=1 go run ./internal/test -timeout 1h takes an hour")
	}
}

// SPDX-License-Identifier: MIT

// Command mutate finds missing tests. It makes the changes of a list, one at a time; each is a plausible fault. For each it
// runs the tests of the changed package and of the packages that import it. If they all pass, the change survives: a test is
// missing.
//
//	mutate [-list file] [-state file] [-run regexp] [-p n] [-own] [-check] [folder]
//
// The list may name the test that detects a change: it runs first, and the others run only if it passes.
//
// The sources are not modified: the go command reads a changed copy of one file. Results are stored by a hash of everything
// that they depend on, so that an interrupted run can continue, and a run after a small edit is short.
//
// It fails if a change survives without a reason in the list, or does not fit the sources. It also fails if a test detects a
// change that the list calls harmless.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"sync/atomic"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	list := flags.String("list", "", "the changes; by default tools/mutate/changes.txt")
	statePath := flags.String("state", "", "where results are remembered; by default in the user's cache")
	only := flags.String("run", "", "only changes that match, as `regexp` of package, declaration and text")
	own := flags.Bool("own", false, "only run the tests of the changed package itself, and the one that the list names: quick, and more may survive")
	check := flags.Bool("check", false, "only see whether the changes fit the sources and build")
	workers := flags.Int("p", runtime.NumCPU(), "how many changes are tried at the same time")
	least := flags.Duration("least", time.Minute, "time that the tests of a package are given, beside four times what they need")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := filepath.Abs(flags.Arg(0))
	if err != nil {
		return err
	}
	if *list == "" {
		*list = filepath.Join(root, "tools", "mutate", "changes.txt")
	}
	if *statePath == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		*statePath = filepath.Join(cache, "spry-mutate", "results.json")
	}
	changes, err := readList(*list, *only)
	if err != nil {
		return err
	}
	r := &runner{least: *least, own: *own}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if r.tree, err = loadTree(ctx, root); err != nil {
		return err
	}
	r.name(changes)
	if *check {
		return r.checkAll(ctx, out, changes)
	}
	if r.state, err = loadState(*statePath); err != nil {
		return err
	}
	if r.dir, err = os.MkdirTemp("", "mutate"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.dir) }()
	return r.runAll(ctx, out, changes, max(1, *workers))
}

func readList(path, only string) (changes []*change, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := parseList(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	match, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if match.MatchString(c.String()) {
			changes = append(changes, c)
		}
	}
	if len(changes) == 0 {
		return nil, fmt.Errorf("%s: no change to make", path)
	}
	return changes, nil
}

// checkAll sees whether changes fit the sources and build, and their tests exist. It runs nothing.
func (r *runner) checkAll(ctx context.Context, out io.Writer, changes []*change) error {
	types, err := newChecker(ctx, r.tree)
	if err != nil {
		return err
	}
	bad := 0
	for _, c := range changes {
		p, err := r.tree.in(c.pkg)
		if err == nil {
			var file string
			var contents []byte
			if file, contents, err = c.apply(p.files()); err == nil {
				err = types.builds(p, file, contents)
			}
		}
		if err == nil && c.test.name != "" {
			err = r.checkTest(c.test)
		}
		if err != nil {
			bad++
			fmt.Fprintf(out, "line %d: %v\n", c.line, err)
		}
	}
	fmt.Fprintf(out, "%d changes, %d do not fit the sources\n", len(changes), bad)
	if bad > 0 {
		return errors.New("the list does not fit the sources")
	}
	return nil
}

// checkTest sees whether a test exists.
func (r *runner) checkTest(t named) error {
	p, err := r.tree.in(t.dir)
	if err != nil {
		return err
	}
	found, err := p.declares(t.name)
	if err == nil && !found {
		err = fmt.Errorf("%s has no test %s", t.dir, t.name)
	}
	return err
}

// A verdict is what became of a change.
type verdict struct {
	killer string
	err    error
	done   chan struct{}
}

// runAll makes the changes, at the same time as many as workers, and prints in order what became of each.
func (r *runner) runAll(ctx context.Context, out io.Writer, changes []*change, workers int) error {
	verdicts := make([]verdict, len(changes))
	for i := range verdicts {
		verdicts[i].done = make(chan struct{})
	}
	var next atomic.Int64
	for range workers {
		go func() {
			for i := int(next.Add(1)) - 1; i < len(changes); i = int(next.Add(1)) - 1 {
				v := &verdicts[i]
				v.killer, v.err = r.verdict(ctx, changes[i])
				close(v.done)
			}
		}()
	}
	var n counts
	for i, c := range changes {
		v := &verdicts[i]
		<-v.done
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(out, "%d/%d %s\n\t%s\n", i+1, len(changes), c, n.add(c, v))
	}
	fmt.Fprintf(out, "%d changes: %d seen by a test, %d harmless, %d survived, %d errors\n", len(changes), n.seen, n.same, n.survived, n.wrong)
	if n.survived+n.wrong > 0 {
		return errors.New("tests are missing, or the list is wrong")
	}
	return nil
}

type counts struct{ seen, same, survived, wrong int }

// add counts what became of a change, and puts it in words.
func (n *counts) add(c *change, v *verdict) string {
	switch {
	case v.err != nil:
		n.wrong++
		return "ERROR " + v.err.Error()
	case v.killer == "" && c.same == "":
		n.survived++
		return "SURVIVED: " + c.see
	case v.killer == "":
		n.same++
		return "passes, as it may: " + c.same
	case c.same != "":
		n.wrong++
		return "ERROR the list says that nobody can see it: " + v.killer
	}
	n.seen++
	return v.killer
}

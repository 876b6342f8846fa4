// SPDX-License-Identifier: MIT

// Command mutate finds out whether the tests see what they should. It makes the changes of a list, each of which is a
// fault that somebody could make, one at a time, and runs the tests of the changed package and of those that import it. A
// change that they all pass survives: a test is missing.
//
//	mutate [-list file] [-state file] [-run regexp] [-own] [-check] [folder]
//
// The sources stay as they are: the go command is told to read a changed copy of one file. Results are remembered by a hash
// of everything that they depend on, so that a run which was interrupted goes on, and one after a small edit is short.
//
// It fails if a change survives that the list does not give a reason for, if one that the list takes for harmless is seen
// by a test, and if one does not fit the sources any more.
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
	own := flags.Bool("own", false, "only run the tests of the changed package itself: quick, and more survive")
	check := flags.Bool("check", false, "only see whether the changes fit the sources")
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
	if r.tree, err = loadTree(root); err != nil {
		return err
	}
	if *check {
		return r.checkAll(out, changes)
	}
	if r.state, err = loadState(*statePath); err != nil {
		return err
	}
	if r.dir, err = os.MkdirTemp("", "mutate"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return r.runAll(ctx, out, changes)
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

// checkAll sees whether changes fit the sources, and runs nothing.
func (r *runner) checkAll(out io.Writer, changes []*change) error {
	bad := 0
	for _, c := range changes {
		p, err := r.tree.in(c.pkg)
		if err == nil {
			_, _, err = c.apply(p.files())
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

// runAll makes the changes and prints what became of each.
func (r *runner) runAll(ctx context.Context, out io.Writer, changes []*change) error {
	seen, same, survived, wrong := 0, 0, 0, 0
	for i, c := range changes {
		killer, err := r.verdict(ctx, c)
		verdict := ""
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			wrong++
			verdict = "ERROR " + err.Error()
		case killer == "" && c.same == "":
			survived++
			verdict = "SURVIVED: " + c.see
		case killer == "":
			same++
			verdict = "passes, as it may: " + c.same
		case c.same != "":
			wrong++
			verdict = "ERROR the list says that nobody can see it: " + killer
		default:
			seen++
			verdict = killer
		}
		fmt.Fprintf(out, "%d/%d %s\n\t%s\n", i+1, len(changes), c, verdict)
	}
	fmt.Fprintf(out, "%d changes: %d seen by a test, %d harmless, %d survived, %d errors\n", len(changes), seen, same, survived, wrong)
	if survived+wrong > 0 {
		return errors.New("tests are missing, or the list is wrong")
	}
	return nil
}

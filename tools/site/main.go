// SPDX-License-Identifier: MIT

// Command site builds the documentation as a static site with search, and checks it.
//
//	site [-o folder] [root]
//
// The pages are the Markdown files of the repository, at their own paths, and the documentation of each public package below api/.
// VitePress renders them: npm installs it as docs/site/package-lock.json says, and needs a network only if its cache lacks a package.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

func main() {
	out := flag.String("o", "", "put the site in this folder, which must not exist; without it, the site is only checked")
	flag.Parse()
	root := "."
	if flag.NArg() > 0 {
		root = flag.Arg(0)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, root, *out); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, root, out string) (err error) {
	work, err := os.MkdirTemp("", "spry-site-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := stage(ctx, root, work); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"},
		{"npx", "--no-install", "vitepress", "build", "."},
	} {
		c := exec.CommandContext(ctx, command[0], command[1:]...)
		c.Dir, c.Stdout, c.Stderr = work, os.Stderr, os.Stderr
		if err := c.Run(); err != nil {
			return fmt.Errorf("%v: %w", command, err)
		}
	}
	built := filepath.Join(work, ".vitepress", "dist")
	pages, err := check(built)
	if err != nil {
		return err
	}
	fmt.Println(pages, "pages, whose links lead to pages and headings of the site")
	if out == "" {
		return nil
	}
	if err := os.CopyFS(out, os.DirFS(built)); err != nil {
		return err
	}
	fmt.Println("the site is in", out)
	return nil
}

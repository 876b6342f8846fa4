// SPDX-License-Identifier: MIT

// Command api writes the exported API of the modules' public packages as text, one name a line, into the folder api: spry.txt,
// zmq.txt and transport.txt. With -check it compares instead, prints the lines that differ and fails if there are any.
//
//	api [-check] [-count] [folder]
//
// The form of a line is that of the files in Go's own folder api. An alias of a type in an internal package is printed as the
// type that it stands for, because that is what a program sees.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "compare the files with the code, and fail if they differ")
	count := flag.Bool("count", false, "print how many names there are, and write nothing")
	flag.Parse()
	root := "."
	if flag.NArg() > 0 {
		root = filepath.Clean(flag.Arg(0))
	}
	if err := run(root, *check, *count); err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

func run(root string, check, count bool) error {
	files, err := describe(root)
	if err != nil {
		return err
	}
	folder, total, differing := filepath.Join(root, "api"), 0, 0
	words := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		lines := files[name]
		total += len(lines)
		for _, l := range lines {
			words[word(l)] = true
		}
		path, text := filepath.Join(folder, name), []byte(strings.Join(lines, "\n")+"\n")
		switch {
		case count:
			fmt.Printf("%-14s %4d\n", name, len(lines))
		case check:
			written, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			if !bytes.Equal(written, text) {
				differing++
				show(name, written, lines)
			}
		default:
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return err
			}
		}
	}
	fmt.Printf("api: %d names, %d of them different, in %d files\n", total, len(words), len(files))
	if differing > 0 {
		return errors.New("the exported API has changed. If that is meant, run .ci/run api and add a line to CHANGELOG.md")
	}
	return nil
}

// word is what a line names, without the type of a method: the verbs that many sockets share are one word to learn.
func word(line string) string {
	head, method, isMethod := strings.Cut(line, ", method (")
	if !isMethod {
		return line
	}
	_, method, _ = strings.Cut(method, ") ")
	method, _, _ = strings.Cut(method, "(")
	return head + ", method " + method
}

// show prints the lines by which a file differs from what it should be.
func show(name string, written []byte, lines []string) {
	old := strings.Split(strings.TrimSuffix(string(written), "\n"), "\n")
	for _, l := range old {
		if !slices.Contains(lines, l) {
			fmt.Printf("api/%s: - %s\n", name, l)
		}
	}
	for _, l := range lines {
		if !slices.Contains(old, l) {
			fmt.Printf("api/%s: + %s\n", name, l)
		}
	}
}

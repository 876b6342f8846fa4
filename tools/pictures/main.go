// SPDX-License-Identifier: MIT

// Command pictures draws the SVG files of docs/images from the text files of docs/images/src. With -check it compares instead,
// and fails if a picture is not that of its source.
//
//	pictures [-check] [folder]
//
// A source *.pic is a drawing: see picture. A source *.csv is a chart of figures from docs/performance/tables.md: see chart. A source *.cast is a recording of a terminal: see recording. The pictures depend on their sources only, and need no fonts. Each is one file for
// light and dark pages.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A renderer makes an SVG from the text of a source. The root folder is that of the repository.
type renderer func(root string, source []byte) ([]byte, error)

var renderers = map[string]renderer{
	".pic":  renderPicture,
	".csv":  renderChart,
	".cast": renderRecording,
}

func main() {
	check := flag.Bool("check", false, "compare the pictures with their sources, and fail if they differ")
	flag.Parse()
	root := "."
	if flag.NArg() > 0 {
		root = filepath.Clean(flag.Arg(0))
	}
	if err := run(root, *check); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	images := filepath.Join(root, "docs", "images")
	sources, err := filepath.Glob(filepath.Join(images, "src", "*.*"))
	if err != nil {
		return err
	}
	var problems []error
	for _, source := range sources {
		extension := filepath.Ext(source)
		render := renderers[extension]
		if render == nil {
			problems = append(problems, fmt.Errorf("%s: no kind of picture has this extension", source))
			continue
		}
		picture := filepath.Join(images, strings.TrimSuffix(filepath.Base(source), extension)+".svg")
		if err := one(render, root, source, picture, check); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", source, err))
		}
	}
	problems = append(problems, orphans(images)...)
	if len(problems) == 0 {
		fmt.Printf("pictures: %d\n", len(sources))
	}
	return errors.Join(problems...)
}

// one draws a picture, or compares it with the file.
func one(render renderer, root, source, picture string, check bool) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	svg, err := render(root, text)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(picture, svg, 0o644)
	}
	written, err := os.ReadFile(picture)
	if err != nil {
		return err
	}
	if !bytes.Equal(written, svg) {
		return errors.New("its picture is another one: run .ci/run pictures")
	}
	return nil
}

// orphans finds pictures without a source.
func orphans(images string) (problems []error) {
	pictures, _ := filepath.Glob(filepath.Join(images, "*.svg"))
	for _, p := range pictures {
		name := strings.TrimSuffix(filepath.Base(p), ".svg")
		sources, _ := filepath.Glob(filepath.Join(images, "src", name+".*"))
		if len(sources) != 1 {
			problems = append(problems, fmt.Errorf("%s has %d sources in docs/images/src", p, len(sources)))
		}
	}
	return problems
}

// SPDX-License-Identifier: MIT

// Command release makes the modules of the workspace ready to be released, and rehearses their release without publishing
// anything. It runs in the folder of the workspace and works with the commit that is checked out.
//
//	release version v0.2.0     write the version into every go.mod and into go.work
//	release sums               write the checksums of the modules into the go.sum of those that require them, each after its own
//	                           requirements: a module's go.sum is a part of its checksum
//	release proxy DIR          write the modules to DIR, as a module proxy serves them
//	release check              build every module as its users get it, and see whether go.mod and go.sum are tidy, and whether
//	                           CHANGELOG.md has a section about the version
//	release tidy               make them so; go mod tidy cannot before the modules are published
//	release rehearse           install the library and the command from such a proxy, as a user does
//	release dist DIR           build archives, packages, checksums and bills of materials of the command, for all platforms or
//	                           for those named after DIR, such as linux/arm64
//	release notes v0.2.0       print what CHANGELOG.md says about the version, which must be that of the workspace
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: release [-C folder] [-cache folder] version VERSION | sums | proxy DIR | check | tidy | rehearse | dist DIR [PLATFORM...] | notes VERSION")

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	folder := flags.String("C", ".", "the `folder` of the workspace")
	cache := flags.String("cache", "", "the `folder` of the compiled packages of the workspace, if not that of the go command")
	if err := flags.Parse(args); err != nil {
		return err
	}
	w, err := readWorkspace(*folder)
	if err != nil {
		return err
	}
	w.cache = *cache
	verb, operand := flags.Arg(0), flags.Arg(1)
	want := map[string]int{"version": 2, "sums": 1, "proxy": 2, "check": 1, "tidy": 1, "rehearse": 1, "dist": 2, "notes": 2}[verb]
	if flags.NArg() < want || flags.NArg() > want && verb != "dist" {
		return errUsage
	}
	switch verb {
	case "version":
		return w.setVersion(operand)
	case "sums":
		return writeSums(ctx, w, os.Stdout)
	case "proxy":
		return w.writeProxy(ctx, operand)
	case "check", "tidy":
		return check(ctx, w, verb == "tidy", os.Stdout)
	case "rehearse":
		return rehearse(ctx, w, os.Stdout)
	case "dist":
		return distribute(ctx, w, operand, flags.Args()[2:], os.Stdout)
	case "notes":
		return printNotes(w, operand, os.Stdout)
	}
	return errUsage
}

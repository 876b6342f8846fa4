// SPDX-License-Identifier: MIT

// Package zmqperf is the personality of the spry command that takes the arguments of libzmq 4.3's performance tools and
// prints their lines. The dialect is ZeroMQ's, so the other end may be libzmq's tool.
//
// Two things differ on purpose. Errors go to standard error and not among the results. Invalid numbers are refused, where
// libzmq's tools read them as 0.
package zmqperf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/sprymq/spry"
)

// dialect stands before the URLs that are dialed: the peer may be libzmq's tool. Who listens understands both.
const dialect = "zmtp+"

// A tool is one of the programs.
type tool struct {
	usage string
	args  int  // that it must have
	curve bool // it accepts <enable_curve> too
	run   func(ctx context.Context, r *run) error
}

var tools = map[string]tool{
	"local_lat":  {"<bind-to> <message-size> <roundtrip-count>", 3, false, localLat},
	"remote_lat": {"<connect-to> <message-size> <roundtrip-count>", 3, false, remoteLat},
	"local_thr":  {"<bind-to> <message-size> <message-count>", 3, true, localThr},
	"remote_thr": {"<connect-to> <message-size> <message-count>", 3, true, remoteThr},
	"inproc_lat": {"<message-size> <roundtrip-count>", 2, false, inprocLat},
	"inproc_thr": {"<message-size> <message-count>", 2, false, inprocThr},
}

// Names are the names of the programs.
func Names() []string { return slices.Sorted(maps.Keys(tools)) }

// Is reports whether a program of that name is one of them.
func Is(name string) bool {
	_, known := tools[name]
	return known
}

// Usage is how a program is called, its name included.
func Usage(name string) string { return name + " " + tools[name].usage }

// A run is one program with its arguments.
type run struct {
	url   string // of the programs that have one
	size  int
	count int
	out   io.Writer
}

// errSize is for a peer that was started with another message size.
var errSize = errors.New("message of incorrect size received")

// Run is the whole program of that name: it returns the exit code.
func Run(ctx context.Context, name string, args []string, stdout, stderr io.Writer) int {
	t := tools[name]
	curve := t.curve && len(args) == t.args+1
	if len(args) != t.args && !curve {
		fmt.Fprintln(stderr, "usage:", Usage(name))
		return 1
	}
	r, err := parse(args[:t.args], stdout)
	if err == nil && curve && args[t.args] != "0" {
		err = errors.New("<enable_curve>: only 0 is possible; there is no CURVE encryption here")
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\nusage: %s\n", name, err, Usage(name))
		return 1
	}
	if err := t.run(ctx, r); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

func parse(args []string, stdout io.Writer) (*run, error) {
	r := &run{out: stdout}
	if len(args) == 3 {
		r.url, args = args[0], args[1:]
	}
	var err error
	if r.size, err = number(args[0], "message size", 0); err != nil {
		return nil, err
	}
	r.count, err = number(args[1], "count", 1)
	return r, err
}

// maxNumber keeps twice a count, and values computed from a size, within an int of 32 bits.
const maxNumber = math.MaxInt32 / 2

func number(s, what string, least int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > maxNumber {
		return 0, fmt.Errorf("%s %q must be a number from %d to %d", what, s, least, maxNumber)
	}
	return n, nil
}

// unlessClosed drops the error of a side that was ended because the other had one.
func unlessClosed(err error) error {
	if errors.Is(err, spry.ErrClosed) {
		return nil
	}
	return err
}

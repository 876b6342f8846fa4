// SPDX-License-Identifier: MIT

// Package worker is one process of a measurement: a side of some work, over one library. It does not know the
// library, which a [Peer] drives, nor who measures. The workers in bench/c do the same for libraries in C.
//
// A worker is run as WORKER PEER ROLE key=value ... and prints one line of JSON at its end. A server prints "ready"
// before it, when it can be dialed, and ends with its standard input.
package worker

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// ErrNotApplicable says that a peer lacks a mode, a transport or a role.
var ErrNotApplicable = errors.New("not applicable")

// EndSize is the size of the message that ends a flow. No measured message has it.
const EndSize = 1

// WarmLine is what a requester prints, and what the runner then writes to its server, when the warm-up has ended.
const WarmLine = "warm"

// Exit codes of a worker.
const (
	ExitFailed        = 1
	ExitNotApplicable = 3
)

// Settings describe the work of a worker.
type Settings struct {
	URL   string  // where to listen or to dial
	Other string  // the second address of a worker that has two
	Size  int     // of a message's body
	Mode  string  // how the peer is to be used: plain, batch, copy, own, ...
	Secs  float64 // how long to send or to ask, after the warm-up
	Warm  float64 // seconds of the warm-up: the same work, which is not counted
	N     int     // round trips to time at most
	Subs  int     // subscribers, or subscriptions
	Pipes int     // connections of a receiver, or those that a sender is still to open, itself included
	Calls int     // concurrent callers
	Shape string  // of the callers: mux on one connection, or conns of their own, or http by POST; of topics: lengths, or anything else
}

// parse reads key=value arguments.
func parse(args []string) (Settings, error) {
	s := Settings{Mode: "plain", Shape: "mux", Size: 64, Secs: 0.1, N: 2_000_000, Subs: 1, Pipes: 1, Calls: 64}
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		if !found {
			return s, fmt.Errorf("%s: not of the form key=value", arg)
		}
		var err error
		switch key {
		case "url":
			s.URL = value
		case "other":
			s.Other = value
		case "mode":
			s.Mode = value
		case "shape":
			s.Shape = value
		case "secs":
			s.Secs, err = strconv.ParseFloat(value, 64)
		case "warm":
			s.Warm, err = strconv.ParseFloat(value, 64)
		default:
			err = s.setNumber(key, value)
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", arg, err)
		}
	}
	if s.Size <= EndSize {
		return s, fmt.Errorf("size=%d: messages are larger than the end marker, which has %d byte", s.Size, EndSize)
	}
	return s, nil
}

func (s *Settings) setNumber(key, value string) error {
	numbers := map[string]*int{
		"size": &s.Size, "n": &s.N, "subs": &s.Subs, "pipes": &s.Pipes, "callers": &s.Calls,
	}
	number, known := numbers[key]
	if !known {
		return errors.New("unknown setting")
	}
	n, err := strconv.Atoi(value)
	if err == nil && n < 0 {
		err = errors.New("negative")
	}
	*number = n
	return err
}

// A Result is the final report of a worker; zero fields are left out.
type Result struct {
	Messages int64   `json:"messages,omitempty"` // after the warm-up
	Total    int64   `json:"total,omitempty"`    // with those of the warm-up
	Bytes    int64   `json:"bytes,omitempty"`
	Seconds  float64 `json:"seconds,omitempty"`
	P50      float64 `json:"p50_us,omitempty"`
	P99      float64 `json:"p99_us,omitempty"`
	P999     float64 `json:"p999_us,omitempty"`
	Usage
	// PerItem is the memory, in bytes, of each item of a role that holds many.
	PerItem float64 `json:"per_item_bytes,omitempty"`
	// Opened and Closed are how long it took, in seconds, to open and to close all connections.
	Opened float64 `json:"opened,omitempty"`
	Closed float64 `json:"closed,omitempty"`
	Note   string  `json:"note,omitempty"`
	// Calls are the system calls of the whole process, if its runner counts them.
	Calls int64 `json:"-"`
}

// process is the interface of a role to its process.
type process struct {
	in  io.Reader
	out io.Writer
}

// ready reports that the server can be dialed.
func (p process) ready() error {
	_, err := fmt.Fprintln(p.out, "ready")
	return err
}

// untilInputEnds serves lines of input with answer, which may be nil, until there are no more.
func (p process) untilInputEnds(answer func(line string) error) error {
	lines := bufio.NewScanner(p.in)
	for lines.Scan() {
		if answer == nil {
			continue
		}
		if err := answer(lines.Text()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// warm reports that the warm-up has ended, so that the other side counts from here too.
func (p process) warm() error {
	_, err := fmt.Fprintln(p.out, WarmLine)
	return err
}

// flowing reports that the background flow has begun, so that the measurement can begin.
func (p process) flowing() error {
	_, err := fmt.Fprintln(p.out, "flowing")
	return err
}

type role func(p process, peer Peer, s Settings) (Result, error)

var roles = map[string]role{
	"thr-recv": flowReceive, "thr-send": flowSend, "inproc-thr": flowInproc,
	"down-send": downSend, "down-recv": downReceive,
	"lat-rep": serve, "lat-req": ask, "inproc-lat": askInproc,
	"fan-pub": fanPublish, "fan-sub": fanSubscribe,
	"callers-rep": serve, "callers-req": callers,
	"idle": idle, "idle-dial": idleDial, "flood": flood, "pipes-send": pipesSend, "subs": subscriptions,
	"unwanted": unwanted, "spread": spread, "many-pipes": manyPipes,
}

// Run is a worker's whole life: args are its role and settings. It writes the result to out.
func Run(peer Peer, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("name a role, as in: thr-recv url=tcp://127.0.0.1:5555 size=64")
	}
	run, known := roles[args[0]]
	if !known {
		return fmt.Errorf("no role %s: %w", args[0], ErrNotApplicable)
	}
	s, err := parse(args[1:])
	if err != nil {
		return err
	}
	result, err := run(process{in, out}, peer, s)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return json.NewEncoder(out).Encode(result)
}

// Main runs the worker of this process and returns its exit code.
func Main(peer Peer, args []string) int {
	err := Run(peer, args, os.Stdin, os.Stdout)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, strings.ReplaceAll(err.Error(), "\n", " "))
	if errors.Is(err, ErrNotApplicable) {
		return ExitNotApplicable
	}
	return ExitFailed
}

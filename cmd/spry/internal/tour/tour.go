// SPDX-License-Identifier: MIT

// Package tour is the command's main demonstration: it starts real processes, drives every pattern between them over
// tcp, ipc, ws and wss, and in process, and checks that every message arrived or was counted as dropped.
package tour

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
)

// Options of [Run].
type Options struct {
	Duration time.Duration // for all legs together, about
	Size     int           // of a message, in bytes
	JSON     bool          // one object a line, as soon as it is known
	Command  []string      // starts a peer: a process that calls Peer

	Out, Err io.Writer
	Live     bool // Err is a terminal: show progress in place
	Width    int  // of the table, 0 for any
	Bold     bool
}

// A leg is one row of the table: the work here, and the jobs of the mates.
type leg struct {
	pattern string
	mates   int
	drive   func(ctx context.Context, s *stage) error
	role    string // of the mates
	work    func(w *worker) error
}

var legs = []leg{
	{"push/pull", 2, drivePush, "pull", workPull},
	{"pub/sub", 2, drivePub, "sub", workSub},
	{"req/rep", 2, driveReq, "rep", workRep},
	{"survey/respond", 2, driveSurvey, "respond", workRespond},
	{"pair", 1, drivePair, "pair", workPair},
	{"bus", 2, driveBus, "bus", workBus},
}

var transports = []string{"tcp", "ipc", "ws", "wss", "inproc"}

// crewSize is how many peers there are of each kind.
const crewSize = 2

// Run takes the tour. The error names the legs that failed, and those with messages that were neither received nor counted.
func Run(ctx context.Context, o Options) (err error) {
	if o.Size < minSize {
		return fmt.Errorf("messages of the tour have at least %d bytes", minSize)
	}
	dir, err := os.MkdirTemp("", "spry-tour-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config, trusted, err := newCertificate(o.Duration)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	processes, locals, err := startCrew(ctx, o)
	defer func() {
		for _, m := range append(processes, locals...) {
			if hangUpErr := m.hangUp(); err == nil && hangUpErr != nil {
				err = fmt.Errorf("a peer: %w", hangUpErr)
			}
		}
	}()
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Err, "spry tour: %d child processes, messages of %d bytes, about %s\n", len(processes), o.Size, o.Duration)

	var results []Result
	var failures []error
	total := len(legs) * len(transports)
	share := o.Duration / time.Duration(total)
	for _, transport := range transports {
		for _, leg := range legs {
			mates := processes
			if transport == "inproc" {
				mates = locals
			}
			o.progress("%2d/%d  %s over %s", len(results)+1, total, leg.pattern, transport)
			// Starting and settling take their time too: the measured part is most of the share, not all.
			s := &stage{
				url: address(transport, dir, len(results)), mates: mates[:leg.mates], role: leg.role, size: o.Size,
				steady: share * 4 / 10, fast: share * 4 / 10, tally: tally{drops: map[string]int64{}},
			}
			if transport == "wss" {
				s.tls, s.trusted = config, trusted
			}
			result, err := take(ctx, leg, transport, s)
			results = append(results, result)
			if err != nil {
				failures = append(failures, fmt.Errorf("%s over %s: %w", leg.pattern, transport, err))
			}
			if err := o.row(result); err != nil {
				return err
			}
			if errors.Is(err, errBroken) || ctx.Err() != nil {
				o.clear()
				cancel() // the peers may be stuck
				return errors.Join(append(failures, ctx.Err())...)
			}
		}
	}
	o.clear()
	if !o.JSON {
		if err := o.table(results); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

// errBroken means that the legs after this one make no sense: the peers may still be at it.
var errBroken = errors.New("the tour ends here")

// take runs one leg.
func take(ctx context.Context, l leg, transport string, s *stage) (Result, error) {
	driving, cancel := context.WithTimeout(ctx, s.steady+s.fast+patience)
	defer cancel()
	driveErr := l.drive(driving, s)
	result, err := s.result(l.pattern, transport)
	if driveErr != nil {
		return result, fmt.Errorf("%w: %w", driveErr, errBroken)
	}
	return result, err
}

// startCrew starts the peers. Those already started are returned with an error too.
func startCrew(ctx context.Context, o Options) (processes, locals []*mate, err error) {
	for range crewSize {
		m, err := startProcess(ctx, o.Command, o.Err)
		if err != nil {
			return processes, locals, err
		}
		processes = append(processes, m)
		locals = append(locals, startGoroutine(ctx))
	}
	return processes, locals, nil
}

// options are those of the sockets.
func options() spry.Options { return spry.Options{Transports: endpoint.Transports()} }

// address is where a leg's socket listens.
func address(transport, dir string, number int) string {
	switch transport {
	case "tcp":
		return "tcp://127.0.0.1:0"
	case "ws", "wss":
		return transport + "://127.0.0.1:0/tour"
	case "ipc":
		return "ipc://" + filepath.Join(dir, fmt.Sprint(number))
	default:
		return fmt.Sprintf("inproc://spry-tour-%d-%d", os.Getpid(), number)
	}
}

// row shows a result as soon as it is known, where lines are read one by one.
func (o *Options) row(r Result) error {
	if o.JSON {
		o.clear()
		return json.NewEncoder(o.Out).Encode(r)
	}
	return nil
}

func (o *Options) table(results []Result) error {
	if err := writeTable(o.Out, results, o.Width, o.Bold); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.Err, `
messages  received; together with the drops they are all that were sent
rate      messages received a second, at full speed
p50, p99  half of all messages, and 99 of 100, took no longer than this, at a steady pace, by %s: one way for
          push/pull and pub/sub, there and back for the others
drops     messages that were not delivered, by reason
`, clockName)
	return err
}

// progress shows the current work: in place on a terminal, else on a line of its own.
func (o *Options) progress(form string, args ...any) {
	o.clear()
	fmt.Fprintf(o.Err, form, args...)
	if !o.Live {
		fmt.Fprintln(o.Err)
	}
}

// clear removes the progress from a terminal.
func (o *Options) clear() {
	if o.Live {
		fmt.Fprint(o.Err, "\r\x1b[K")
	}
}

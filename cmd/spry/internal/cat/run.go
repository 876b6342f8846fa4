// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/cmd/spry/internal/source"
)

// errTimeUp ends a run after --for.
var errTimeUp = errors.New("the time of --for is over")

// A run is one verb at work.
type run struct {
	*Options
	Stdio
	socket endpoint.Socket
	ready  readiness // nil: as soon as there is a peer
	asks   bool      // each message sent waits for its answers: --recv-timeout bounds the wait for a peer too
	unsent bool      // there was a message, and it was not sent

	templates source.Templates
	bodies    [][]byte // of the run of messages being sent
	left      int64    // messages that were read and not sent, after an error

	waitsFor atomic.Pointer[string] // what the run waits for that may never come, for reportWaiting

	receiving context.Context // of sockets that drain at the end; nil for others
	drained   spry.DrainReport

	start    time.Time
	sent     atomic.Int64
	received atomic.Int64
	replied  atomic.Int64
	failed   atomic.Int64 // requests without an answer

	printing sync.Mutex // guards printer and the writers
	printer  *format.Printer
	records  []format.Record // being printed
	from     origin          // of the last of them
}

// Run opens a socket, does what the options say, delivers queued messages and closes. ctx ends at Ctrl-C. The error has the
// exit code.
func Run(ctx context.Context, opener Opener, o *Options, stdio Stdio) error {
	work, socket, err := open(opener, o)
	if err != nil {
		return err
	}
	printer, err := format.New(stdio.Out, o.Format, o.Separator)
	if err != nil {
		socket.Close()
		return exit.Errorf(exit.Usage, "%w", err)
	}
	r := &run{Options: o, Stdio: stdio, socket: socket, printer: printer, start: time.Now()}

	working := ctx
	if o.For > 0 {
		var cancel context.CancelFunc
		working, cancel = context.WithTimeoutCause(ctx, o.For, errTimeUp)
		defer cancel()
	}
	stopWatching := r.watch()
	stopDraining := r.drainAfter(ctx, working)
	err = o.Endpoints.Open(working, socket, r.say)
	if err == nil {
		stopReporting := o.Endpoints.ReportTrouble(working, socket, r.say)
		stopWaiting := endpoint.AfterPatience(working, r.reportWaiting)
		err = work(r, working)
		stopReporting()
		stopWaiting()
	}
	err = errors.Join(r.ended(working, err), r.shutDown(ctx), stopDraining(err))
	stopWatching()
	if ctx.Err() != nil && !o.Quiet {
		r.summary()
	}
	return err
}

// ended turns the end of the work into the command's own error. A timeout or an interrupt is an error only if there was more
// to do: a number of messages, or an unsent one.
func (r *run) ended(working context.Context, err error) error {
	if err == nil || working.Err() == nil || exit.Code(err) != exit.Failure {
		return err
	}
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, spry.ErrClosed) {
		return err
	}
	if r.Count == 0 && !r.unsent {
		return nil
	}
	why := "interrupted"
	if errors.Is(context.Cause(working), errTimeUp) {
		why = errTimeUp.Error()
	}
	return r.incomplete("%s", why)
}

// incomplete is the error of a run that did less than was asked for.
func (r *run) incomplete(form string, args ...any) error {
	why := fmt.Errorf(form, args...)
	if done := max(r.sent.Load(), r.received.Load()); done > 0 {
		return exit.Errorf(exit.Partial, "%w, after %d messages", why, done)
	}
	return exit.Errorf(exit.NoPeer, "%w", why)
}

// summary prints the counters, after Ctrl-C.
func (r *run) summary() {
	text := fmt.Sprintf("%d sent, %d received", r.sent.Load(), r.received.Load())
	if n := r.replied.Load(); n > 0 {
		text += fmt.Sprintf(", %d answered", n)
	}
	if n := r.failed.Load(); n > 0 {
		text += fmt.Sprintf(", %d without an answer", n)
	}
	if n := r.drained.Cut; n > 0 {
		text += fmt.Sprintf(", %d connections cut", n)
	}
	if r.left > 0 {
		text += fmt.Sprintf(", %d not sent", r.left)
	}
	for _, drop := range endpoint.Drops(r.socket) {
		text += fmt.Sprintf(", %d dropped (%s)", drop.Count, drop.Reason)
	}
	r.say("%s in %s", text, time.Since(r.start).Round(time.Millisecond))
}

// reportWaiting reports what a run with a peer waits for: the first reply, or the peer that --to names.
func (r *run) reportWaiting() {
	for range r.socket.Pipes() {
		if what := r.waitsFor.Load(); what != nil && r.received.Load() == 0 {
			r.say("%s", *what)
		}
		return
	}
}

// say writes one line of talk, unless --quiet.
func (r *run) say(form string, args ...any) {
	if r.Quiet {
		return
	}
	r.printing.Lock()
	defer r.printing.Unlock()
	fmt.Fprintf(r.Err, "spry: "+form+"\n", args...)
}

// complain writes one line about something that went wrong but does not end the run.
func (r *run) complain(form string, args ...any) {
	r.printing.Lock()
	defer r.printing.Unlock()
	fmt.Fprintf(r.Err, "spry: "+form+"\n", args...)
}

// print counts and shows received messages.
func (r *run) print(ms ...*spry.Message) error {
	r.printing.Lock()
	defer r.printing.Unlock()
	defer func() { clear(r.records); r.records = r.records[:0] }()
	now := time.Now()
	for _, m := range ms {
		record := format.Record{
			Body: string(m.Bytes()), Frames: framesOf(m), Time: now, Size: m.Len(), Count: r.received.Add(1),
		}
		if pipe := m.Pipe(); pipe != nil {
			r.from.fill(&record, pipe)
		}
		if r.Sink != nil {
			record.Header = string(m.Header())
		}
		r.records = append(r.records, record)
	}
	if r.Sink != nil {
		return r.Sink(r.records)
	}
	return r.printer.Print(r.records...)
}

// framesOf returns the frames of a message that has several.
func framesOf(m *spry.Message) (frames []string) {
	n := 0
	for range m.Frames() {
		n++
	}
	if n == 1 {
		return nil
	}
	for _, frame := range m.Frames() {
		frames = append(frames, string(frame))
	}
	return frames
}

// An origin is what records say of the pipe of a message. Most messages are of the same pipe as the one before.
type origin struct {
	pipe       *spry.Pipe
	user, peer string
	id         uint64
}

func (o *origin) fill(record *format.Record, pipe *spry.Pipe) {
	if o.pipe != pipe {
		*o = origin{pipe: pipe, user: pipe.Metadata()["User-Id"]}
		o.peer, o.id = endpoint.Peer(pipe)
	}
	record.User, record.Peer, record.Pipe = o.user, o.peer, o.id
}

// watch shows the socket's events if --verbose, and else the faults for which peers were refused or disconnected. The returned
// function ends that and waits for it.
func (r *run) watch() (stop func()) {
	if r.Quiet && !r.Verbose {
		return func() {}
	}
	if !r.Verbose {
		return r.Endpoints.ReportFaults(r.socket, r.say)
	}
	ctx, cancel := context.WithCancel(context.Background())
	events := r.socket.Events(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		for e := range events {
			r.complain("%s", endpoint.EventText(e))
		}
	})
	return func() { cancel(); watching.Wait() }
}

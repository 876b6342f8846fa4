// SPDX-License-Identifier: MIT

package endpoint

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sprymq/spry"
)

// Patience is how long a command waits in silence.
const Patience = 3 * time.Second

// AfterPatience calls f if the command still waits after [Patience]. The returned function ends that, and waits for f.
func AfterPatience(ctx context.Context, f func()) (stop func()) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if <-ctx.Done(); errors.Is(ctx.Err(), context.DeadlineExceeded) {
			f()
		}
	})
	return func() { cancel(); waiting.Wait() }
}

// ReportTrouble reports once, after Patience, why the dialers of a socket without peers do not connect: no listener at the
// address, or refused credentials. The returned function ends the report and waits for its goroutine.
func (s *Set) ReportTrouble(ctx context.Context, socket Socket, say func(form string, args ...any)) (stop func()) {
	return AfterPatience(ctx, func() {
		for range socket.Pipes() {
			return
		}
		if trouble := s.Trouble(); trouble != "" {
			say("no peer is connected so far%s", trouble)
		}
	})
}

// Trouble is the reason why the dialers do not connect, as the end of an error message; "" if it is unknown.
func (s *Set) Trouble() string {
	var text strings.Builder
	for _, e := range s.dialers {
		if err := e.Err(); err != nil {
			fmt.Fprintf(&text, "; %s", reason(err))
		}
	}
	return text.String()
}

// flagNames replaces the names of the library's options, in errors, by those of the command's flags.
var flagNames = strings.NewReplacer(
	"raise MaxMessageSize here", "raise --max-message",
)

// reason is the text of an error, in the words of the command.
func reason(err error) string { return strings.TrimPrefix(flagNames.Replace(err.Error()), "spry: ") }

// Faults reports, once for each kind, that a peer was refused or lost its connection by a fault. An orderly end is none.
type Faults struct{ seen map[spry.Reason]bool }

// Text says what an event means to the user; "" if it is no fault, or one that was reported before.
func (f *Faults) Text(e spry.Event) string {
	orderly := e.Reason == "" || e.Reason == spry.ReasonEOF || e.Reason == spry.ReasonClosed || e.Reason == spry.ReasonIO
	if e.Kind != spry.EventPipeDown && e.Kind != spry.EventReject || orderly || f.seen[e.Reason] {
		return ""
	}
	if f.seen == nil {
		f.seen = make(map[spry.Reason]bool)
	}
	f.seen[e.Reason] = true
	err := e.Err
	if op, ok := errors.AsType[*spry.OpError](err); ok {
		err = op.Err
	}
	who := "a peer"
	if e.RemoteAddr != nil {
		who = e.RemoteAddr.String()
	}
	return fmt.Sprintf("%s was disconnected (%s): %s", who, e.Reason, reason(err))
}

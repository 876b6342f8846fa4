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

// AfterPatience calls f if the command still waits after [Patience]. The returned function ends the wait and waits for f.
func AfterPatience(ctx context.Context, f func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		patience := time.NewTimer(Patience)
		defer patience.Stop()
		select {
		case <-patience.C:
			f()
		case <-ctx.Done():
		}
	})
	return func() { cancel(); waiting.Wait() }
}

// ReportTrouble reports once, after Patience, why the dialers of a socket do not connect: no listener at the address, or one that
// does not answer. The returned function ends the report and waits for its goroutine.
func (s *Set) ReportTrouble(ctx context.Context, socket Socket, say func(form string, args ...any)) (stop func()) {
	return AfterPatience(ctx, func() {
		what := "no peer is connected so far"
		for range socket.Pipes() {
			what = "not all peers are connected so far"
			break
		}
		if trouble := s.Trouble(); trouble != "" {
			say("%s%s", what, trouble)
		}
	})
}

// Trouble is the reason why dialers do not connect, as the end of an error message; "" if ReportFaults has reported it.
func (s *Set) Trouble() string {
	var text strings.Builder
	for _, e := range s.dialers {
		err := e.Err()
		connected := false
		for range e.Pipes() {
			connected = true
			break
		}
		op, _ := errors.AsType[*spry.OpError](err)
		switch {
		case connected, op != nil && s.faults.reported(e.URL(), op.Reason):
		case err == nil:
			fmt.Fprintf(&text, "; %s does not answer: to find out what listens there, %s", e.URL(), inspection(e.URL()))
		default:
			fmt.Fprintf(&text, "; %s: %s", e.URL(), s.Explain(e.URL(), false, err))
		}
	}
	return text.String()
}

// NoPeer is the reason why a socket never had a peer, as the end of an error message.
func (s *Set) NoPeer() string {
	text := s.Trouble()
	if len(s.listening) > 0 {
		text += "; no peer connected to " + strings.Join(s.listening, " or ")
	}
	return text
}

// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A logBook keeps what is logged.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// of returns the lines about an event, and the sum of their counts, where a line without one counts 1.
func (l *logBook) of(event string) (lines, count int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if !strings.Contains(line, event) {
			continue
		}
		lines++
		if _, n, ok := strings.Cut(line, " count="); ok {
			n, _, _ = strings.Cut(n, " ")
			more, _ := strconv.Atoi(n)
			count += more
		} else {
			count++
		}
	}
	return lines, count
}

// Connections that come to nothing do not fill the log: a few have a line each, the others a line a second together. The
// statistics count each.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	leak.Check(t)
	var book logBook
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Logger: slog.New(slog.NewTextHandler(&book, nil))}})
	defer pull.Close()
	e := testkit.ListenOn(t, pull, "tcp")
	const connections = 500
	for range connections {
		c, err := net.Dial("tcp", e.Addr().String())
		testkit.Check(t, err)
		_, _ = c.Write([]byte("\n"))
		_, _ = c.Read(make([]byte, 100)) // until it is refused
		_ = c.Close()
	}
	testkit.Eventually(t, "all are counted", func() bool { return testkit.Sum(pull.Stats().Rejected) == connections })
	testkit.Check(t, pull.Close())
	lines, count := book.of("spry reject")
	if lines > connections/5 {
		t.Errorf("%d connections made %d lines", connections, lines)
	}
	if count < connections*9/10 || count > connections {
		t.Errorf("the log tells of %d of %d connections", count, connections)
	}
	t.Logf("%d connections: %d lines, which tell of %d", connections, lines, count)
}

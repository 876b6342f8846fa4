// SPDX-License-Identifier: MIT

package peer

import (
	"slices"
	"sync"
	"testing"
)

// A Pool lends scripted programs to tests, one after the other, because an interpreter takes longer to start than most tests to
// run. Such a program prints the line Ready when it has started. The line Reset makes it close everything, and print Ready
// again. It ends with its standard input, and so with the tests.
type Pool struct {
	Ready, Reset string

	mu   sync.Mutex
	idle []*Process
}

// Borrow lends an idle process until the test ends, or starts one. A process that has ended, that served a test that failed, or
// that cannot be reset, is not lent again.
func (l *Pool) Borrow(t testing.TB, program string, args ...string) *Process {
	t.Helper()
	p := l.take(program, args)
	fresh := p == nil
	if fresh {
		p = launch(t, "", program, args...)
	}
	p.t = t
	t.Cleanup(func() {
		if t.Failed() || p.hasEnded() || !p.answers(l.Reset, l.Ready) {
			p.end()
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.idle = append(l.idle, p)
	})
	if fresh {
		p.WaitLine(l.Ready)
	}
	p.stdout.forget()
	return p
}

// take removes an idle process from the pool, or returns nil.
func (l *Pool) take(program string, args []string) *Process {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.idle, func(p *Process) bool {
		return p.cmd.Args[0] == program && slices.Equal(p.cmd.Args[1:], args) && !p.hasEnded()
	})
	if i < 0 {
		return nil
	}
	p := l.idle[i]
	l.idle = slices.Delete(l.idle, i, i+1)
	return p
}

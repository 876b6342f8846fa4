// SPDX-License-Identifier: MIT

package sprytest

import (
	"fmt"

	"github.com/sprymq/spry/internal/lock"
)

// A Promise is what a program promises of its messages, or several promises, joined by |. See [Journal].
type Promise uint8

// The promises.
const (
	Ordered  Promise = 1 << iota // each receiver gets the messages of each sender in the order in which they were sent
	Once                         // no message is received twice
	Complete                     // every message is received by the end of the run
)

// A Journal checks what a program promises of its messages, from end to end. The test tells it of each message that is sent, and of
// each that is received. K identifies a message, such as the number of an order. Whatever the promises are, a message that was never sent
// must not be received. Breaches are failures of the run at once, and what was not received is one when the run ends.
//
// Its methods are safe for concurrent use.
type Journal[K comparable] struct {
	world    *World
	name     string
	promises Promise

	mu       lock.Mutex[lock.Journal]
	sent     map[K]entry
	last     map[string]int // how many each sender has sent
	received map[K]string   // by whom first
	at       map[[2]string]int
	order    []K
}

// An entry is the number of a message among those of its sender.
type entry struct {
	sender string
	number int
}

// NewJournal returns a journal of a run. Its name is for failures.
func NewJournal[K comparable](w *World, name string, promises Promise) *Journal[K] {
	j := &Journal[K]{
		world: w, name: name, promises: promises,
		sent: map[K]entry{}, last: map[string]int{}, received: map[K]string{}, at: map[[2]string]int{},
	}
	w.Cleanup(j.finish)
	return j
}

// Sent says that a sender sends a message. It is called before the message can be received.
func (j *Journal[K]) Sent(sender string, message K) {
	j.world.Helper()
	if why := j.add(sender, message); why != "" {
		j.world.Errorf("journal %s: %s", j.name, why)
	}
}

func (j *Journal[K]) add(sender string, message K) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if before, found := j.sent[message]; found {
		return fmt.Sprintf("%v is sent by %s, and was by %s", message, sender, before.sender)
	}
	j.last[sender]++
	j.sent[message] = entry{sender, j.last[sender]}
	j.order = append(j.order, message)
	return ""
}

// Received says that a receiver has received a message. Order counts for each receiver by itself: for order by pipe, the name of the
// receiver is that of the pipe, such as its RemoteAddr.
func (j *Journal[K]) Received(receiver string, message K) {
	j.world.Helper()
	if why := j.take(receiver, message); why != "" {
		j.world.Errorf("journal %s: %s", j.name, why)
	}
}

func (j *Journal[K]) take(receiver string, message K) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	e, found := j.sent[message]
	if !found {
		return fmt.Sprintf("%s receives %v, which nobody has sent", receiver, message)
	}
	if before, twice := j.received[message]; twice && j.promises&Once != 0 {
		return fmt.Sprintf("%s receives %v again, which %s has received", receiver, message, before)
	} else if !twice {
		j.received[message] = receiver
	}
	way := [2]string{e.sender, receiver}
	if last := j.at[way]; e.number < last && j.promises&Ordered != 0 {
		return fmt.Sprintf("%s receives %v, number %d of %s, after number %d", receiver, message, e.number, e.sender, last)
	}
	j.at[way] = e.number
	return ""
}

// mostMissing is how many missing messages are named.
const mostMissing = 10

// finish checks what was not received.
func (j *Journal[K]) finish() {
	if j.promises&Complete == 0 || j.world.Failed() { // a run that failed may have ended early
		return
	}
	if n, missing := j.missing(); n > 0 {
		j.world.Errorf("journal %s: %d of %d messages were not received: %v", j.name, n, len(j.order), missing)
	}
}

func (j *Journal[K]) missing() (n int, first []K) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, m := range j.order {
		if _, found := j.received[m]; found {
			continue
		}
		if n++; n <= mostMissing {
			first = append(first, m)
		}
	}
	return n, first
}

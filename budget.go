// SPDX-License-Identifier: MIT

package spry

import "github.com/sprymq/spry/internal/budget"

// A Budget bounds the memory and the number of pipes of all sockets that share it: see [Options]. The limits of queues
// bound each pipe by itself; a Budget bounds what many pipes have together, whatever their peers do.
//
// It counts the bytes of queues, of both directions, and of frames that have not wholly arrived, with the memory that they
// keep in use; the topics that peers have subscribed to, subscriptions that a peer has not been told yet, messages that an
// ended pipe has given back, and the last values that a publisher keeps. A message in several queues counts in each. What a
// queue, a frame or a peer's set of topics has up to 8 KiB is not counted, nor is what the pipes themselves take, some KiB each,
// and what the program has received.
//
// While three quarters of the bytes are in use, queues to be sent do not grow beyond a small share: to their patterns they
// are full, so that a Push waits and a Pub drops by its policy; those who wait go on when there is room again. An empty
// queue takes one message as long as the limit holds. Last values do not grow either: for a new one, the oldest are forgotten.
//
// When more bytes than the limit are in use, because of what has arrived, messages or topics, the pipe that has most is shed,
// then the next one: it ends with [ErrBudget], and the reason of events is "budget". What it had received and the program had not
// taken is dropped and counted under the reason "budget", and so is what was to be sent on it, unless its pattern gives that to
// another pipe. A pipe within its share is never shed. A dialer comes back, as after other ends of a connection.
//
// A listener that has all its pipes closes new connections at once and counts them as rejected, with the reason
// "too_many_pipes". Dialers are not bound by that.
//
// Its methods are safe for concurrent use. It needs no closing.
type Budget budget.Budget

// BudgetConfig says how large a [Budget] is.
type BudgetConfig struct {
	// Bytes of all queues and unfinished frames. A frame that grows is in memory up to one and a half times, so that this
	// should be at least twice as large as the largest message. Defaults to a quarter of the memory limit of the Go
	// runtime (GOMEMLIMIT) if there is one when the Budget is made, and to 1 GiB otherwise. Negative means no limit.
	Bytes int64

	// PipesPerListener is how many pipes a listening endpoint may have at a time. Defaults to 65,536. Negative means no
	// limit.
	PipesPerListener int
}

// BudgetStats are the figures of a [Budget].
type BudgetStats struct {
	Bytes            int64  `json:"bytes"`              // in use; reserved in steps, so that they are a little more than what queues have
	MaxBytes         int64  `json:"max_bytes"`          // the limit
	PeakBytes        int64  `json:"peak_bytes"`         // the most that ever were in use
	Pipes            int    `json:"pipes"`              // live pipes of all sockets, dialed ones included
	PipesPerListener int    `json:"pipes_per_listener"` // the limit
	Shed             uint64 `json:"shed"`               // pipes that were shed
	ShedBytes        int64  `json:"shed_bytes"`         // what they had
	Refused          uint64 `json:"refused"`            // connections refused because their listener had all its pipes
}

// NewBudget returns a Budget that no socket uses yet.
func NewBudget(c BudgetConfig) *Budget { return (*Budget)(budget.New(budget.Config(c))) }

// DefaultBudget is the Budget of sockets whose options name none. It is made when it is first used, as
// NewBudget(BudgetConfig{}) makes it.
func DefaultBudget() *Budget { return (*Budget)(budget.Default()) }

// Stats returns the figures, which are not all of the same moment.
func (b *Budget) Stats() BudgetStats { return BudgetStats((*budget.Budget)(b).Stats()) }

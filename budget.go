// SPDX-License-Identifier: MIT

package spry

import "github.com/sprymq/spry/internal/budget"

// A Budget bounds the memory and the number of pipes of all sockets that share it: see [Options]. The limits of queues apply
// to each pipe; a Budget applies to all pipes together, whatever their peers do.
//
// It counts the memory of queues in both directions, of frames that have arrived in part, and of the topics of peers. It
// also counts subscriptions that are not yet sent to a peer, messages that an ended pipe has returned, and the last values
// of a publisher. A message in several queues counts in each. It does not count the few KiB that each pipe needs, messages
// that the program has received, or any queue, frame or set of topics below 8 KiB.
//
// While three quarters of the bytes are in use, send queues do not grow beyond a small share. To their patterns they are
// full, so that a Push blocks and a Pub drops by its policy; blocked senders continue when there is room again. An empty
// queue accepts one message as long as the limit is not reached. A new last value then replaces the oldest ones.
//
// When received data, messages or topics, exceeds the limit, the pipe that uses the most memory is shed, then the next one:
// it ends with [ErrBudget], and the reason of events is "budget". Its received and undelivered messages are dropped and
// counted under that reason. So are its unsent messages, unless the pattern gives them to another pipe. A pipe within its
// share is never shed. A dialer redials, as after any other end of a connection.
//
// A listener that has reached its number of pipes closes new connections at once and counts them as rejected, with the
// reason "too_many_pipes". Dialers have no such limit.
//
// Its methods are safe for concurrent use. It need not be closed.
type Budget budget.Budget

// BudgetConfig has the limits of a [Budget].
type BudgetConfig struct {
	// Bytes limits the memory of all queues and unfinished frames. While a large frame arrives, its memory may be one and a
	// half times its size, so this should be at least twice the size of the largest message. Defaults to a quarter of the
	// memory limit of the Go runtime (GOMEMLIMIT) if there is one when the Budget is made, and to 1 GiB otherwise. Negative
	// means no limit.
	Bytes int64

	// PipesPerListener is the maximum number of pipes of a listening endpoint at a time. Defaults to 65,536. Negative means
	// no limit.
	PipesPerListener int
}

// BudgetStats are the counters of a [Budget].
type BudgetStats struct {
	Bytes            int64  `json:"bytes"`              // in use; reserved in steps, and so a little more than the memory of queues
	MaxBytes         int64  `json:"max_bytes"`          // the limit; math.MaxInt64 if there is none
	PeakBytes        int64  `json:"peak_bytes"`         // the largest value of Bytes so far
	Pipes            int    `json:"pipes"`              // live pipes of all sockets, including dialed ones
	PipesPerListener int    `json:"pipes_per_listener"` // the limit; math.MaxInt if there is none
	Shed             uint64 `json:"shed"`               // pipes that were shed
	ShedBytes        int64  `json:"shed_bytes"`         // the memory of these pipes
	Refused          uint64 `json:"refused"`            // connections refused because their listener had reached its number of pipes
}

// NewBudget returns a Budget with these limits, for Options.Budget of any number of sockets.
func NewBudget(c BudgetConfig) *Budget { return (*Budget)(budget.New(budget.Config(c))) }

// DefaultBudget is the Budget of sockets whose options name none. It is made when it is first used, by
// NewBudget(BudgetConfig{}).
func DefaultBudget() *Budget { return (*Budget)(budget.Default()) }

// Stats returns the counters. They may be from slightly different moments.
func (b *Budget) Stats() BudgetStats { return BudgetStats((*budget.Budget)(b).Stats()) }

// SPDX-License-Identifier: MIT

package testkit

import (
	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/stats"
)

// Sum adds counters up.
func Sum(counts map[spry.Reason]uint64) uint64 { return stats.Sum(counts) }

// Unbalanced says what in the figures of a socket does not add up, or nothing.
func Unbalanced(st spry.Stats) string { return stats.Unbalanced(st) }

// UnbalancedHalves is Unbalanced for the figures of both directions.
func UnbalancedHalves(s spry.SendStats, r spry.RecvStats) string { return stats.UnbalancedHalves(s, r) }

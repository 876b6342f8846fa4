// SPDX-License-Identifier: MIT

package figures

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/format"
)

// Text is a text from a node, which may be any, for a terminal: on one line, without control characters, and cut after most
// characters.
func Text(s string, most int) string {
	if len(s) > 4*most {
		s = s[:4*most] // no more can be shown, whatever it is
	}
	runes := []rune(string(format.AppendText(nil, []byte(s))))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

// Number is a number with the prefixes of SI: 12.3k.
func Number(v float64) string {
	if v > 0 && v < 1 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	value, prefix := humanize.ComputeSI(v)
	return strconv.FormatFloat(value, 'g', 3, 64) + prefix
}

// Span is a time in the unit that suits it: 12.3ms. 0 is nothing.
func Span(d time.Duration) string {
	if d == 0 {
		return ""
	}
	unit := time.Nanosecond
	for _, u := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= u {
			unit = u / 100
			break
		}
	}
	return d.Round(unit).String()
}

// Count is a number of things, whose plural has an s.
func Count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// Counts are counts by reason, the largest first.
func Counts(counts map[spry.Reason]uint64) string {
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b spry.Reason) int {
		if counts[a] != counts[b] {
			if counts[a] > counts[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(string(a), string(b))
	})
	var all []string
	for _, r := range reasons {
		if counts[r] > 0 {
			all = append(all, fmt.Sprintf("%s %d", Text(string(r), 32), counts[r]))
		}
		if len(all) == 16 {
			break
		}
	}
	return strings.Join(all, ", ")
}

// SPDX-License-Identifier: MIT

package queue

import (
	"time"

	"github.com/sprymq/spry/internal/hist"
)

// ages notes when runs came to a queue: not all of them, because asking for the time costs as much as a third of a small message. A run
// is noted if others wait before it, none of those is noted and noteSoon have not been, and one of noteEvery in any case. So a queue
// that a receiver keeps nearly empty seldom asks for the time, and one that grows knows about since when.
type ages struct {
	unnoted uint8           // runs since the last noted one
	noted   bool            // a run in the queue is
	waited  *hist.Histogram // how long noted runs were in the queue; nil if none was
}

// noteEvery is how many runs have one that is noted; see ages.
const (
	noteEvery = 64
	noteSoon  = 8
)

var epoch = time.Now()

// now is the time since the process began.
func now() time.Duration { return time.Since(epoch) }

// note returns what to store with a run that comes to the queue. first says that no other is there.
func (a *ages) note(first bool) (since int64) {
	a.unnoted++
	if a.unnoted < noteSoon || (first || a.noted) && a.unnoted < noteEvery {
		return 0
	}
	a.unnoted, a.noted = 0, true
	return int64(now())
}

// taken counts that a run leaves the queue to be delivered.
func (a *ages) taken(since int64) {
	if since == 0 {
		return
	}
	a.noted = false
	if a.waited == nil {
		coarse := hist.Coarse()
		a.waited = &coarse
	}
	a.waited.Add(now() - time.Duration(since))
}

// oldest returns how long the first run has been in the queue, about. If that was not noted, it is noted now.
func (a *ages) oldest(runs []sizedRun) time.Duration {
	for i := range min(len(runs), noteEvery) {
		if since := runs[i].since; since != 0 {
			return now() - time.Duration(since)
		}
	}
	if len(runs) > 0 {
		runs[0].since, a.noted = int64(now()), true
	}
	return 0
}

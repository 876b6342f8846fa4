// SPDX-License-Identifier: MIT

package worker

import (
	"runtime"
	"runtime/metrics"
	"sync"
)

// Usage is what a process has used after its warm-up.
type Usage struct {
	CPU         float64 `json:"cpu"`              // seconds, of user and system
	Voluntary   int64   `json:"voluntary"`        // switches of threads that waited
	Involuntary int64   `json:"involuntary"`      // switches of threads that had to make room
	Wakes       int64   `json:"wakes"`            // goroutines that were put on a processor; 0 of a process without
	Allocs      *int64  `json:"allocs,omitempty"` // nil where nothing counts them
}

// usage is what a process has used since its start.
type usage struct {
	cpu                    float64
	voluntary, involuntary int64
	wakes, allocs          int64
}

// trackedWakes is how many wakes of a goroutine the runtime counts one of.
const trackedWakes = 8

func used() usage {
	u := usage{wakes: wakes(), allocs: allocations()}
	u.readSystem()
	return u
}

func (u usage) since(before usage) Usage {
	allocs := u.allocs - before.allocs
	return Usage{
		CPU: u.cpu - before.cpu, Voluntary: u.voluntary - before.voluntary, Involuntary: u.involuntary - before.involuntary,
		Wakes: u.wakes - before.wakes, Allocs: &allocs,
	}
}

func allocations() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Mallocs)
}

// wakes estimates how often goroutines were put on a processor, from the waits that the runtime samples.
func wakes() (n int64) {
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	for _, count := range sample[0].Value.Float64Histogram().Counts {
		n += int64(count)
	}
	return n * trackedWakes
}

// A baseline is the usage at the end of a warm-up. The first goroutine that ends its own takes it for all.
type baseline struct {
	once  sync.Once
	usage usage
}

// take says whether this was the first.
func (b *baseline) take() (first bool) {
	b.once.Do(func() { b.usage, first = used(), true })
	return first
}

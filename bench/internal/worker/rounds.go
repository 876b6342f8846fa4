// SPDX-License-Identifier: MIT

package worker

import (
	"slices"
	"sync"
	"time"
)

// rounds times each request that the time allows, N at most, after some that warm up.
func rounds(p process, a Asker, s Settings) (Result, error) {
	for end := time.Now().Add(seconds(s.Warm)); ; {
		if err := a.Ask(); err != nil {
			return Result{}, err
		}
		if !time.Now().Before(end) {
			break
		}
	}
	if err := p.warm(); err != nil {
		return Result{}, err
	}
	took := make([]time.Duration, 0, s.N)
	before, start := used(), time.Now()
	for last, end := start, start.Add(seconds(s.Secs)); len(took) < cap(took) && (last.Before(end) || len(took) == 0); {
		if err := a.Ask(); err != nil {
			return Result{}, err
		}
		now := time.Now()
		took, last = append(took, now.Sub(last)), now
	}
	r := moved(int64(len(took)), s, time.Since(start), before)
	r.P50, r.P99, r.P999 = percentiles(took)
	return r, nil
}

// percentiles sorts, and returns the smallest samples that 50, 99 and 99.9 % of all do not exceed, in microseconds.
func percentiles(took []time.Duration) (p50, p99, p999 float64) {
	if len(took) == 0 {
		return 0, 0, 0
	}
	slices.Sort(took)
	at := func(perMille int) float64 {
		rank := (len(took)*perMille + 999) / 1000
		return float64(took[rank-1].Nanoseconds()) / 1e3
	}
	return at(500), at(990), at(999)
}

func serve(p process, peer Peer, s Settings) (Result, error) {
	if peer.Serve == nil {
		return Result{}, ErrNotApplicable
	}
	server, err := peer.Serve(s)
	if err != nil {
		return Result{}, err
	}
	defer server.Close()
	if err := p.ready(); err != nil {
		return Result{}, err
	}
	before := used()
	err = p.untilInputEnds(func(line string) error {
		if line == WarmLine {
			before = used()
		}
		return nil
	})
	return Result{Usage: used().since(before)}, err
}

func ask(p process, peer Peer, s Settings) (Result, error) { return askOf(p, peer.Ask, s) }

func askInproc(p process, peer Peer, s Settings) (Result, error) { return askOf(p, peer.InprocAsk, s) }

func askOf(p process, open func(Settings) (Asker, error), s Settings) (Result, error) {
	if open == nil {
		return Result{}, ErrNotApplicable
	}
	a, err := open(s)
	if err != nil {
		return Result{}, err
	}
	defer a.Close()
	return rounds(p, a, s)
}

// callers has each caller ask for some time, all at once, after a warm-up.
func callers(p process, peer Peer, s Settings) (Result, error) {
	if peer.Callers == nil {
		return Result{}, ErrNotApplicable
	}
	askers, err := peer.Callers(s)
	if err != nil {
		return Result{}, err
	}
	start := time.Now()
	c := &calls{
		from: start.Add(seconds(s.Warm)), until: start.Add(seconds(s.Warm + s.Secs)),
		took: make([][]time.Duration, len(askers)), failed: make(chan error, len(askers)),
	}
	var all sync.WaitGroup
	for i, a := range askers {
		all.Go(func() {
			c.took[i] = c.ask(p, a)
		})
	}
	all.Wait()
	r := c.result(s)
	for _, a := range askers {
		_ = a.Close()
	}
	select {
	case err := <-c.failed:
		return r, err
	default:
		return r, nil
	}
}

// calls are those of many callers that end after from and before until.
type calls struct {
	from, until time.Time
	base        baseline
	took        [][]time.Duration // by caller
	failed      chan error
}

// ask makes one caller's calls and returns how long those took that count.
func (c *calls) ask(p process, a Asker) (took []time.Duration) {
	for last := time.Now(); ; {
		if err := a.Ask(); err != nil {
			c.failed <- err
			return took
		}
		now := time.Now()
		first := !now.Before(c.from) && c.base.take()
		if first {
			_ = p.warm() // a runner that has gone learns nothing
		}
		inTime := now.Before(c.until)
		if first || inTime && !now.Before(c.from) {
			took = append(took, now.Sub(last))
		}
		if !inTime {
			return took
		}
		last = now
	}
}

func (c *calls) result(s Settings) Result {
	all := slices.Concat(c.took...)
	r := moved(int64(len(all)), s, c.until.Sub(c.from), c.base.usage)
	r.P50, r.P99, r.P999 = percentiles(all)
	return r
}

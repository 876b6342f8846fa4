// SPDX-License-Identifier: MIT

package worker

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// rounds times each of N requests, or as many as the time allows, after some that warm up.
func rounds(a Asker, s Settings) (Result, error) {
	for range s.Warm {
		if err := a.Ask(); err != nil {
			return Result{}, err
		}
	}
	took := make([]time.Duration, s.N)
	before, start := allocations(), time.Now()
	last := start
	for i := range took {
		if s.Most > 0 && last.Sub(start) >= seconds(s.Most) {
			took = took[:i]
			break
		}
		if err := a.Ask(); err != nil {
			return Result{}, err
		}
		now := time.Now()
		took[i], last = now.Sub(last), now
	}
	r := moved(int64(len(took)), s, last.Sub(start), before)
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
	return Result{}, p.untilInputEnds(nil)
}

func ask(_ process, peer Peer, s Settings) (Result, error) { return askOf(peer.Ask, s) }

func askInproc(_ process, peer Peer, s Settings) (Result, error) { return askOf(peer.InprocAsk, s) }

func askOf(open func(Settings) (Asker, error), s Settings) (Result, error) {
	if open == nil {
		return Result{}, ErrNotApplicable
	}
	a, err := open(s)
	if err != nil {
		return Result{}, err
	}
	defer a.Close()
	return rounds(a, s)
}

// callers has each caller ask for some time, all at once.
func callers(_ process, peer Peer, s Settings) (Result, error) {
	if peer.Callers == nil {
		return Result{}, ErrNotApplicable
	}
	askers, err := peer.Callers(s)
	if err != nil {
		return Result{}, err
	}
	var (
		calls  atomic.Int64
		all    sync.WaitGroup
		failed = make(chan error, len(askers))
	)
	before, start := allocations(), time.Now()
	end := start.Add(seconds(s.Secs))
	for _, a := range askers {
		all.Go(func() {
			n := int64(0)
			for time.Now().Before(end) {
				if err := a.Ask(); err != nil {
					failed <- err
					return
				}
				n++
			}
			calls.Add(n)
		})
	}
	all.Wait()
	r := moved(calls.Load(), s, time.Since(start), before)
	for _, a := range askers {
		_ = a.Close()
	}
	select {
	case err := <-failed:
		return r, err
	default:
		return r, nil
	}
}

// SPDX-License-Identifier: MIT

package worker

import (
	"fmt"
	"sync"
	"time"
)

func fanPublish(p process, peer Peer, s Settings) (Result, error) {
	if peer.Publish == nil {
		return Result{}, ErrNotApplicable
	}
	to, err := peer.Publish(s)
	if err != nil {
		return Result{}, err
	}
	defer to.Close()
	if err := p.ready(); err != nil {
		return Result{}, err
	}
	if err := to.Wait(s.Subs); err != nil {
		return Result{}, err
	}
	return send(to, s)
}

// A fanned is the result of one subscriber.
type fanned struct {
	total int // with those of the warm-up
	count int
	start time.Time
	end   time.Time
	err   error
}

// fanSubscribe counts the deliveries to all subscribers, from the first of all to the last of all.
func fanSubscribe(_ process, peer Peer, s Settings) (Result, error) {
	if peer.Subscribe == nil {
		return Result{}, ErrNotApplicable
	}
	subs, err := peer.Subscribe(s)
	if err != nil {
		return Result{}, err
	}
	var base baseline
	got := make([]fanned, len(subs))
	var all sync.WaitGroup
	for i, sub := range subs {
		all.Go(func() {
			defer sub.Close()
			got[i] = fannedBy(sub, s, &base)
		})
	}
	all.Wait()
	r, err := fannedSum(got, s)
	r.Usage = used().since(base.usage)
	return r, err
}

func fannedBy(sub Receiver, s Settings, base *baseline) fanned {
	if err := sub.First(); err != nil {
		return fanned{err: err}
	}
	warmed, err := warmUp(sub, s)
	if err != nil {
		return fanned{err: err}
	}
	base.take()
	start := time.Now()
	n, err := sub.Rest()
	return fanned{total: warmed + n, count: n, start: start, end: time.Now(), err: err}
}

func fannedSum(got []fanned, s Settings) (Result, error) {
	sum, least, most := fanned{}, got[0].total, got[0].total
	for _, g := range got {
		if g.err != nil {
			return Result{}, g.err
		}
		if sum.count == 0 || g.start.Before(sum.start) {
			sum.start = g.start
		}
		if g.end.After(sum.end) {
			sum.end = g.end
		}
		sum.count += g.count
		sum.total += g.total
		least, most = min(least, g.total), max(most, g.total)
	}
	return Result{
		Messages: int64(sum.count), Total: int64(sum.total), Bytes: int64(sum.count) * int64(s.Size), Seconds: sum.end.Sub(sum.start).Seconds(),
		Note: fmt.Sprintf("each subscriber got %d to %d", least, most),
	}, nil
}

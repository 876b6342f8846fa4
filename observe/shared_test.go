// SPDX-License-Identifier: MIT

package observe

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Callers that come while a report is taken share the next one, which was begun after they came.
func TestReportsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var taken atomic.Int32
		s := shared{take: func() Report {
			taken.Add(1)
			begun := time.Now()
			time.Sleep(time.Second)
			return Report{At: begun}
		}}
		ask := func() {
			came := time.Now()
			r, err := s.get(t.Context())
			if err != nil || r.At.Before(came) {
				t.Errorf("a report of %v for a caller of %v: %v", r.At, came, err)
			}
		}
		go ask()
		synctest.Wait()
		time.Sleep(time.Millisecond)
		for range 100 {
			go ask()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := taken.Load(); n != 2 {
			t.Errorf("%d reports were taken for 101 callers", n)
		}
	})
}

// A caller that gives up does not take the turn with it.
func TestCallersMayGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shared{take: func() Report {
			time.Sleep(time.Second)
			return Report{}
		}}
		go func() { _, _ = s.get(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.get(ctx); err == nil {
			t.Error("no error")
		}
		time.Sleep(time.Minute)
		if _, err := s.get(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.get(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

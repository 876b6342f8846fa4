// SPDX-License-Identifier: MIT

package engine_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/testkit"
)

// follow collects the events of a follower by socket, until done reports that there are enough.
func follow(t *testing.T, f *engine.Follower, done func(of map[uint64][]string) bool) map[uint64][]string {
	t.Helper()
	of := make(map[uint64][]string)
	for !done(of) {
		select {
		case <-f.More():
		case <-t.Context().Done():
			t.Fatal(of)
		}
		for _, e := range f.Take() {
			of[e.Socket.ID()] = append(of[e.Socket.ID()], e.Kind.String())
		}
	}
	return of
}

// A follower has all events of the sockets that there are, and of later ones.
func TestFollower(t *testing.T) {
	early := spry.NewPull(nil)
	f := engine.Follow()
	hidden := spry.NewPull(&spry.PullOptions{Options: spry.Options{Unlisted: true}})
	late := spry.NewPush(nil)
	testkit.CloseAll(t, early, late, hidden)
	for _, s := range []*spry.Pull{early, hidden} {
		_, err := s.Listen(t.Context(), "inproc://"+t.Name()+fmt.Sprint(s.ID()))
		testkit.Check(t, err)
	}
	_, err := late.Dial(t.Context(), "inproc://"+t.Name()+fmt.Sprint(early.ID()))
	testkit.Check(t, err)
	of := follow(t, f, func(of map[uint64][]string) bool {
		return slices.Contains(of[early.ID()], "pipe_up") && slices.Contains(of[late.ID()], "pipe_up")
	})
	if got := fmt.Sprint(of[early.ID()], of[late.ID()], of[hidden.ID()]); got != "[listening pipe_up] [dialing pipe_up] []" {
		t.Error(got)
	}
	testkit.Check(t, late.Close())
	follow(t, f, func(of map[uint64][]string) bool { return slices.Contains(of[late.ID()], "pipe_down") }) // though it is closed
	f.Close()
	_, err = early.Listen(t.Context(), "inproc://"+t.Name())
	testkit.Check(t, err)
	if all := f.Take(); len(all) > 0 {
		t.Errorf("%d events after the end", len(all))
	}
}

// A follower that takes nothing is told how many events it missed, and its sockets keep no more than those of a loop.
func TestFollowersMissEvents(t *testing.T) {
	s := spry.NewPull(nil)
	testkit.CloseAll(t, s)
	f := engine.Follow()
	all := engine.Sockets()
	core := all[slices.IndexFunc(all, func(o *engine.Socket) bool { return o.ID() == s.ID() })]
	emit := func(n int) {
		for range n {
			core.Emit(engine.Event{Kind: engine.EventRetry})
		}
	}
	emit(1000)
	if n := f.Waiting(); n != 1 {
		t.Errorf("the socket waits %d times", n)
	}
	if n := len(f.Take()); n != 256 {
		t.Errorf("%d events waited", n)
	}
	emit(1)
	if all := f.Take(); len(all) != 1 || all[0].Missed != 744 {
		t.Errorf("%+v", all)
	}
	if f.Close(); core.Receivers() != 0 {
		t.Error("a follower that has ended is remembered")
	}
}

// Sockets that are made while followers begin and end have each follower once, and none that has ended.
func TestFollowersBeginAndEnd(t *testing.T) {
	var all sync.WaitGroup
	var making atomic.Bool
	making.Store(true)
	for range 4 {
		all.Go(func() {
			for making.Load() {
				s := spry.NewPull(nil)
				f := engine.Follow()
				_, err := s.Listen(t.Context(), fmt.Sprint("inproc://", t.Name(), s.ID()))
				testkit.Check(t, err)
				n := 0
				for _, e := range f.Take() {
					if e.Socket.ID() == s.ID() {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%d events of one", n)
				}
				f.Close()
				testkit.Check(t, s.Close())
			}
		})
	}
	for range 300 {
		f := engine.Follow()
		s := spry.NewPull(nil)
		_, err := s.Listen(t.Context(), fmt.Sprint("inproc://", t.Name(), s.ID()))
		testkit.Check(t, err)
		if n := len(slices.DeleteFunc(f.Take(), func(e engine.SocketEvent) bool { return e.Socket.ID() != s.ID() })); n != 1 {
			t.Errorf("%d events of one", n)
		}
		f.Close()
		testkit.Check(t, s.Close())
	}
	making.Store(false)
	all.Wait()
}

// A follower keeps no socket that the program has forgotten.
func TestFollowersKeepNoSocket(t *testing.T) {
	f := engine.Follow()
	defer f.Close()
	id := spry.NewPair(nil).ID()
	testkit.Eventually(t, "the socket has left the list", func() bool {
		runtime.GC()
		return !listed(id)
	})
}

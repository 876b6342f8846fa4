// SPDX-License-Identifier: MIT

package pattern

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// asks returns a Req that speaks both dialects and has room for few requests.
func asks(t *testing.T, failFast, lockStep bool) (*Req, *engine.Socket) {
	t.Helper()
	return open(t, house(sp.Dialect, zmtp.Dialect), func(s *engine.Socket, _ engine.Options) *Req {
		return NewReq(s, hello(sp.Req), patience, failFast, lockStep)
	})
}

// readyREQ is how long the greeting and the READY of a Req are.
var readyREQ = ready("REQ") + 1 + 8 + 4

// request starts a call, of several frames or of one.
func request(t *testing.T, req *Req, frames ...string) *Call {
	t.Helper()
	m := msg.Of([]byte(frames[0]))
	if len(frames) > 1 {
		var all [][]byte
		for _, f := range frames {
			all = append(all, []byte(f))
		}
		m = msg.OfFrames(all)
	}
	c, err := req.Start(nil, &m)
	must(t, err)
	return c
}

// ends demands that a call is over, with this error.
func ends(t *testing.T, what string, c *Call, want error) {
	t.Helper()
	synctest.Wait()
	switch {
	case !c.Woken():
		t.Fatalf("%s still waits", what)
	case !errors.Is(c.err, want):
		t.Errorf("%s ended with %v, want %v", what, c.err, want)
	}
}

// A request that no peer can take ends when that turns out, and those behind it are sent.
func TestRequestThatNoPeerTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, s := asks(t, false, false)
		frames, plain := request(t, req, "several", "frames"), request(t, req, "one")
		scripted(t, s, sp.AppendHeader(nil, sp.Rep), sp.HeaderLen)
		ends(t, "a request of several frames, where the only peer takes one,", frames, engine.ErrMultipart)
		if sent := s.Pipes()[0].Stats().Send.Offered; sent != 1 || plain.Woken() {
			t.Errorf("the peer was sent %d requests, want the one that it takes", sent)
		}
	})
}

// A call that is answered in time arms no timer: the one that is armed serves until the first call's retry is due.
func TestCallsArmNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, s := asks(t, false, false)
		peer := scripted(t, s, sp.AppendHeader(nil, sp.Rep), sp.HeaderLen)
		go func() { _, _ = io.Copy(io.Discard, peer) }()
		var armed time.Time
		for i := range 100 {
			c := request(t, req, "one")
			if synctest.Wait(); i == 0 {
				armed = req.armed
			}
			answer := msg.Of(nil)
			answer.SetHeader(c.header[:])
			req.Receive(s.Pipes()[0], []msg.Message{answer})
			ends(t, "the call", c, nil)
			time.Sleep(time.Millisecond)
			if req.armed != armed || armed.IsZero() {
				t.Fatalf("after %d calls, the timer is set for %v and no longer for %v", i+1, req.armed, armed)
			}
		}
		must(t, peer.Close())
	})
}

// A request that was with the only peer that takes it ends with that.
func TestRequestWhosePeerHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, s := asks(t, false, false)
		peer := scripted(t, s, says("REP"), readyREQ)
		scripted(t, s, sp.AppendHeader(nil, sp.Rep), sp.HeaderLen)
		frames := request(t, req, "several", "frames")
		if must(t, peer.Close()); len(s.Pipes()) != 2 {
			t.Fatal("the peers are not both there")
		}
		ends(t, "a request that only a dead pipe could carry", frames, engine.ErrMultipart)
	})
}

// With FailFast, requests end with the last pipe, those too that waited for room.
func TestRequestsEndWithTheLastPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, s := asks(t, true, false)
		peer := scripted(t, s, sp.AppendHeader(nil, sp.Rep), sp.HeaderLen)
		var calls []*Call
		for range 10 {
			calls = append(calls, request(t, req, "anybody?"))
			synctest.Wait()
		}
		sent := int(s.Pipes()[0].Stats().Send.Offered)
		if sent == 0 || sent == len(calls) {
			t.Fatalf("%d of %d requests found room", sent, len(calls))
		}
		must(t, peer.Close())
		for i, c := range calls {
			if i < sent {
				ends(t, "a request that was sent", c, engine.ErrPipeClosed)
			} else {
				ends(t, "a request that waited for room", c, engine.ErrNoPeer)
			}
		}
	})
}

// What is open when the socket closes ends.
func TestRequestsEndWithTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, s := asks(t, false, false)
		waits := request(t, req, "anybody?")
		must(t, s.Close())
		ends(t, "a request", waits, engine.ErrClosed)
	})
}

// In lock step a peer has one request at a time, and one whose request was given up is asked over a new connection.
func TestLockStepTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, s := asks(t, false, true)
		scripted(t, s, says("REP"), readyREQ)
		p := s.Pipes()[0]
		first, second := request(t, req, "first"), request(t, req, "second")
		synctest.Wait()
		if sent := p.Stats().Send.Offered; sent != 1 {
			t.Errorf("a peer was sent %d requests at once", sent)
		}
		req.Cancel(first, ended().Err())
		synctest.Wait()
		if !p.Over() {
			t.Fatal("the pipe of a request that was given up stays")
		}
		scripted(t, s, says("REP"), readyREQ)
		synctest.Wait()
		if sent := s.Pipes()[0].Stats().Send.Offered; sent != 1 || second.Woken() {
			t.Errorf("the next peer was sent %d requests, want 1", sent)
		}
	})
}

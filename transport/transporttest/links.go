// SPDX-License-Identifier: MIT

package transporttest

import (
	"errors"
	"net"
	"testing"

	"github.com/sprymq/spry/transport"
)

func (s *suite) linkAddresses(t *testing.T) {
	dialed, accepted := s.pair(t)
	for name, e := range map[string]*end{"dialed": dialed, "accepted": accepted} {
		if e.link.LocalAddr() == nil {
			t.Errorf("LocalAddr of the %s link is nil", name)
		}
		if e.link.RemoteAddr() == nil {
			t.Errorf("RemoteAddr of the %s link is nil", name)
		}
	}
}

// linkInfo compares the Info of links before and after use, and after Close.
func (s *suite) linkInfo(t *testing.T) {
	dialed, accepted := s.pair(t)
	before := map[*end]transport.Info{dialed: dialed.link.Info(), accepted: accepted.link.Info()}
	if dialed.reliable() {
		deliver(t, dialed, accepted, pattern(1, 100))
		deliver(t, accepted, dialed, pattern(2, 100))
	}
	for _, closed := range []bool{false, true} {
		for e, was := range before {
			info := e.link.Info()
			if info.Properties != was.Properties || (info.TLS == nil) != (was.TLS == nil) || (info.Creds == nil) != (was.Creds == nil) {
				t.Errorf("after the handshake a link says that it is %+v, later (closed: %v) %+v", was, closed, info)
			}
			if info.MaxMessage < 0 {
				t.Errorf("MaxMessage is %d; 0 means no limit", info.MaxMessage)
			}
			_ = e.link.Close()
		}
	}
}

func (s *suite) exchange(t *testing.T) {
	dialed, accepted := s.pair(t)
	for i := range 20 {
		deliver(t, dialed, accepted, pattern(2*i, 1+i*i))
		deliver(t, accepted, dialed, pattern(2*i+1, 1+i))
	}
}

func (s *suite) closeTwice(t *testing.T) {
	dialed, accepted := s.pair(t)
	for name, link := range map[string]transport.Link{"dialed": dialed.link, "accepted": accepted.link} {
		within(t, "closing the "+name+" link twice", func() error {
			if err := link.Close(); err != nil {
				return err
			}
			// A net.Conn says that it is closed already; that is fine, since nothing else happens.
			if err := link.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				return expected("nil or net.ErrClosed from the second Close", err)
			}
			return nil
		})
	}
}

// closeUnblocksRead reads where nothing was written, so nothing but Close can end the read.
func (s *suite) closeUnblocksRead(t *testing.T) {
	for _, which := range []string{"dialed", "accepted"} {
		dialed, accepted := s.pair(t)
		e := dialed
		if which == "accepted" {
			e = accepted
		}
		mustEndWithClose(t, "a read of the "+which+" link", e.link, func() error {
			_, err := e.take(1)
			return err
		})
	}
}

// closeUnblocksWrite writes far more than the system holds to a peer that does not read, so nothing but
// Close can end the write.
func (s *suite) closeUnblocksWrite(t *testing.T) {
	const piece, pieces = 64 << 10, 1024
	for _, which := range []string{"dialed", "accepted"} {
		dialed, accepted := s.pair(t)
		if !dialed.reliable() {
			t.Skip("not promised: an unreliable link may drop instead of blocking")
		}
		e := dialed
		if which == "accepted" {
			e = accepted
		}
		mustEndWithClose(t, "a write to the "+which+" link", e.link, func() error {
			if s, ok := e.link.(*transport.Stream); ok {
				_, err := s.Write(make([]byte, piece*pieces))
				return err
			}
			for range pieces {
				if err := e.put(make([]byte, piece)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// mustEndWithClose starts something that cannot end by itself, closes the link, and waits for the end.
func mustEndWithClose(t *testing.T, what string, link transport.Link, blocked func() error) {
	t.Helper()
	started := make(chan struct{})
	errs := make(chan error, 1)
	go func() {
		close(started)
		errs <- blocked()
	}()
	<-started
	within(t, "Close during "+what, link.Close)
	within(t, what+" that is closed", func() error {
		if err := <-errs; err == nil {
			return errors.New("it succeeds, although nothing but Close can end it")
		}
		return nil
	})
}

func (s *suite) closeReachesPeer(t *testing.T) {
	dialed, accepted := s.pair(t)
	if !dialed.reliable() {
		t.Skip("not promised: the news that a link has ended may be lost with an unreliable one")
	}
	if err := dialed.link.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	within(t, "a read of a link that the peer has closed", func() error {
		if _, err := accepted.take(1); err == nil {
			return errors.New("data arrives that was not written")
		}
		return nil
	})
}

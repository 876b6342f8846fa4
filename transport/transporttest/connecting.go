// SPDX-License-Identifier: MIT

package transporttest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry/transport"
)

func (s *suite) schemes(t *testing.T) {
	schemes := s.transport.Schemes()
	if len(schemes) == 0 {
		t.Fatal("Schemes is empty: no URL could ever name the transport")
	}
	for _, scheme := range schemes {
		u, err := transport.ParseURL(scheme + "://x")
		if err != nil {
			t.Errorf("scheme %q: %v", scheme, err)
		} else if u.Scheme != scheme {
			t.Errorf("scheme %q has to be in lower case: %q", scheme, u.Scheme)
		}
	}
	if u := parse(t, s.options.URL(t)); !slices.Contains(schemes, u.Scheme) {
		t.Errorf("the URL of the options has scheme %q, which is not among %q", u.Scheme, schemes)
	}
}

func (s *suite) malformed(t *testing.T) {
	if len(s.options.Malformed) == 0 {
		t.Skip("Options.Malformed names no addresses")
	}
	for _, url := range s.options.Malformed {
		u, err := transport.ParseURL(url)
		if err != nil {
			continue // refused before the transport sees it
		}
		if _, err := s.transport.Dialer(u, s.options.Dial); err == nil {
			t.Errorf("Dialer takes %q", url)
		} else if err := namesURL(err, url); err != nil {
			t.Errorf("Dialer: %v", err)
		}
		l, err := s.transport.Listen(t.Context(), u, s.options.Listen)
		if err == nil {
			_ = l.Close()
			t.Errorf("Listen takes %q", url)
		} else if err := namesURL(err, url); err != nil {
			t.Errorf("Listen: %v", err)
		}
	}
}

// namesURL checks that an error says which endpoint it is about.
func namesURL(err error, url string) error {
	if !strings.Contains(err.Error(), url) {
		return fmt.Errorf("the error does not name %s: %w", url, err)
	}
	return nil
}

func (s *suite) listenerURL(t *testing.T) {
	url := s.options.URL(t)
	l := s.listen(t, url)
	if l.Addr() == nil {
		t.Error("Addr is nil")
	}
	u, err := transport.ParseURL(l.URL())
	if err != nil {
		t.Fatalf("URL: %v", err)
	}
	if want := parse(t, url).Scheme; u.Scheme != want {
		t.Errorf("URL is %s, and its scheme should be %s", l.URL(), want)
	}
	connect(t, s.dialer(t, l.URL()), l)
}

func (s *suite) dialerReuse(t *testing.T) {
	l := s.listen(t, s.options.URL(t))
	d := s.dialer(t, l.URL())
	for i := range 3 {
		dialed, accepted := connect(t, d, l)
		deliver(t, dialed, accepted, pattern(i, 100))
	}
}

func (s *suite) refused(t *testing.T) {
	s.needsConnections(t)
	l := s.listen(t, s.options.URL(t))
	url := l.URL()
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	d := s.dialer(t, url)
	within(t, "a dial that nobody answers", func() error {
		link, err := d.Dial(t.Context())
		if err == nil {
			_ = link.Close()
			return fmt.Errorf("it reaches %s, where no listener is", url)
		}
		return namesURL(err, url)
	})
}

func (s *suite) dialCancelled(t *testing.T) {
	l := s.listen(t, s.options.URL(t))
	d := s.dialer(t, l.URL())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	within(t, "a dial with a context that has ended", func() error {
		link, err := d.Dial(ctx)
		if err == nil {
			_ = link.Close()
		}
		if !errors.Is(err, context.Canceled) {
			return expected("an error that is context.Canceled", err)
		}
		return nil
	})
}

func (s *suite) listenTwice(t *testing.T) {
	l := s.listen(t, s.options.URL(t))
	second, err := s.transport.Listen(t.Context(), parse(t, l.URL()), s.options.Listen)
	if err == nil {
		_ = second.Close()
		t.Fatalf("a second Listen takes %s from the first", l.URL())
	}
	if err := namesURL(err, l.URL()); err != nil {
		t.Errorf("a second Listen: %v", err)
	}
	// The second may have knocked at the first to see whether it lives, so other links than the one dialed
	// here may be accepted.
	stop := serveEcho(t, l)
	d := s.dialer(t, l.URL())
	within(t, "the first listener, after the second Listen", func() error { return askBack(t.Context(), d, 1) })
	stop()
}

func (s *suite) listenAgain(t *testing.T) {
	first := s.listen(t, s.options.URL(t))
	connect(t, s.dialer(t, first.URL()), first)
	if err := first.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	second := s.listen(t, first.URL())
	if second.URL() != first.URL() {
		t.Errorf("listening on %s gives %s", first.URL(), second.URL())
	}
	connect(t, s.dialer(t, second.URL()), second)
}

func (s *suite) closeUnblocksAccept(t *testing.T) {
	l := s.listen(t, s.options.URL(t))
	accepting := make(chan struct{})
	errs := make(chan error, 1)
	go func() {
		close(accepting)
		_, err := l.Accept()
		errs <- err
	}()
	<-accepting
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	within(t, "Accept of a closed listener", func() error { return saysClosed(<-errs) })
}

func (s *suite) acceptAfterClose(t *testing.T) {
	l := s.listen(t, s.options.URL(t))
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	within(t, "Accept after Close", func() error {
		_, err := l.Accept()
		return saysClosed(err)
	})
}

func saysClosed(err error) error {
	if !errors.Is(err, net.ErrClosed) {
		return expected("an error that is net.ErrClosed", err)
	}
	return nil
}

// acceptSilent dials and sends nothing, several times. Each silent link must be accepted, and a peer that sends data must be
// served beside them.
func (s *suite) acceptSilent(t *testing.T) {
	s.needsConnections(t)
	l := s.listen(t, s.options.URL(t))
	d := s.dialer(t, l.URL())
	for range 3 {
		within(t, "accepting a silent peer", func() error {
			silent, err := d.Dial(t.Context())
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = silent.Close() })
			link, err := l.Accept()
			if err != nil {
				return err
			}
			t.Cleanup(func() { _ = link.Close() })
			return nil
		})
	}
	dialed, accepted := connect(t, d, l)
	deliver(t, dialed, accepted, []byte("not silent"))
}

// concurrentDials has every dialer send its number and wait for it to come back, so a link that is lost or
// mixed up is found.
func (s *suite) concurrentDials(t *testing.T) {
	l := s.listen(t, s.options.URL(t))
	d := s.dialer(t, l.URL())
	stop := serveEcho(t, l)
	errs := make([]error, s.options.Concurrent)
	var dialing sync.WaitGroup
	for i := range errs {
		dialing.Go(func() { errs[i] = askBack(t.Context(), d, uint64(i)) })
	}
	within(t, fmt.Sprintf("%d concurrent dials", len(errs)), func() error {
		dialing.Wait()
		return errors.Join(errs...)
	})
	stop()
}

// serveEcho accepts links and sends back their data, 8 bytes at a time, until stop is called, which closes the listener and
// waits for the links to have ended.
func serveEcho(t *testing.T, l transport.Listener) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			link, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { echo(ctx, link) })
		}
	})
	return func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		within(t, "serving links that their peers have closed", func() error {
			serving.Wait()
			return nil
		})
		cancel()
	}
}

func echo(ctx context.Context, link transport.Link) {
	defer func() { _ = link.Close() }()
	e, err := open(ctx, link, true)
	if err != nil {
		return
	}
	for {
		p, err := e.take(8)
		if err != nil || e.put(p) != nil {
			return
		}
	}
}

// askBack dials, sends the number to an echo and checks that it comes back.
func askBack(ctx context.Context, d transport.Dialer, number uint64) error {
	ctx, cancel := context.WithTimeout(ctx, watchdog)
	defer cancel()
	link, err := d.Dial(ctx)
	if err != nil {
		return fmt.Errorf("dial %d: %w", number, err)
	}
	defer func() { _ = link.Close() }()
	e, err := open(ctx, link, false)
	if err != nil {
		return fmt.Errorf("link %d: %w", number, err)
	}
	if err := move(e, e, binary.BigEndian.AppendUint64(nil, number)); err != nil {
		return fmt.Errorf("link %d: %w", number, err)
	}
	return nil
}

func (s *suite) outliveListener(t *testing.T) {
	l := s.listen(t, s.options.URL(t))
	dialed, accepted := connect(t, s.dialer(t, l.URL()), l)
	if err := l.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	deliver(t, dialed, accepted, pattern(1, 1000))
	deliver(t, accepted, dialed, pattern(2, 1000))
}

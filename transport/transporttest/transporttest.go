// SPDX-License-Identifier: MIT

// Package transporttest checks that a [transport.Transport] keeps the promises that Spry's engine relies on. Run the suite
// from a test of your transport:
//
//	func TestTransport(t *testing.T) {
//		transporttest.Run(t, mytransport.Transport{}, transporttest.Options{
//			URL:       func(t *testing.T) string { return "my://127.0.0.1:0" },
//			Malformed: []string{"my://", "my://no-port"},
//		})
//	}
//
// Each property is a subtest with a name that states the promise. The suite covers both kinds of links, streams of bytes and
// whole messages, and finds out which kind the transport has. Properties that a kind of link does not promise are skipped
// with the reason.
package transporttest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sprymq/spry/transport"
)

// Options describe the transport to the suite.
type Options struct {
	// URL returns an unused address to listen on, such as one with port 0 or a path in t.TempDir(). It is called once for
	// every listener. Required.
	URL func(t *testing.T) string

	// Dial and Listen are passed to the transport with every endpoint. A transport with TLS needs configurations here that
	// trust each other.
	Dial   transport.DialOptions
	Listen transport.ListenOptions

	// Malformed are URLs that Dialer and Listen both must refuse, because they can never work.
	Malformed []string

	// Connectionless says that a listener learns of a peer from the peer's first packet, and a dialer of a missing listener
	// from silence, as over UDP. Subtests of connecting are then skipped.
	Connectionless bool

	// Concurrent is how many dials the suite makes at once. 0 means 200.
	Concurrent int
}

// watchdog is how long anything may take before the suite calls it hung. It is no measure of speed.
const watchdog = 2 * time.Minute

// Run runs the suite. Its subtests run one after the other. One that hangs fails after 2 minutes.
func Run(t *testing.T, tr transport.Transport, o Options) {
	t.Helper()
	if o.URL == nil {
		t.Fatal("Options.URL is nil: the suite needs addresses to listen on")
	}
	if o.Concurrent == 0 {
		o.Concurrent = 200
	}
	s := &suite{transport: tr, options: o}

	t.Run("schemes are lower case and not empty", s.schemes)
	t.Run("malformed addresses are refused", s.malformed)

	t.Run("listener URL can be dialed", s.listenerURL)
	t.Run("one dialer dials again and again", s.dialerReuse)
	t.Run("dial without a listener is refused", s.refused)
	t.Run("dial ends with its context", s.dialCancelled)
	t.Run("an address is listened on once", s.listenTwice)
	t.Run("a closed address is free again", s.listenAgain)
	t.Run("close unblocks accept", s.closeUnblocksAccept)
	t.Run("accept after close says net.ErrClosed", s.acceptAfterClose)
	t.Run("accept does not wait for bytes", s.acceptSilent)
	t.Run("many dial at once", s.concurrentDials)
	t.Run("links outlive their listener", s.outliveListener)

	t.Run("links have addresses", s.linkAddresses)
	t.Run("links tell the same at any time", s.linkInfo)
	t.Run("exchange in both directions", s.exchange)
	t.Run("close twice", s.closeTwice)
	t.Run("close unblocks read", s.closeUnblocksRead)
	t.Run("close unblocks write", s.closeUnblocksWrite)
	t.Run("close reaches the peer", s.closeReachesPeer)

	t.Run("stream: large transfers arrive intact", s.streamLarge)
	t.Run("stream: half-close leaves the other half open", s.streamHalfClose)

	t.Run("messages: handshake tells both what the other speaks", s.messagesHandshake)
	t.Run("messages: sizes from 0 to 64 KiB", s.messagesSizes)
	t.Run("messages: batches arrive whole and in order", s.messagesBatch)
	t.Run("messages: close-write ends in EOF", s.messagesHalfClose)
}

type suite struct {
	transport transport.Transport
	options   Options
}

// parse parses a URL that the test needs.
func parse(t *testing.T, url string) transport.URL {
	t.Helper()
	u, err := transport.ParseURL(url)
	if err != nil {
		t.Fatalf("the URL %q of the options: %v", url, err)
	}
	return u
}

// listen listens at the URL until the test ends.
func (s *suite) listen(t *testing.T, url string) transport.Listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), watchdog)
	defer cancel()
	l, err := s.transport.Listen(ctx, parse(t, url), s.options.Listen)
	if err != nil {
		t.Fatalf("Listen %s: %v", url, err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// dialer makes a dialer for the URL.
func (s *suite) dialer(t *testing.T, url string) transport.Dialer {
	t.Helper()
	d, err := s.transport.Dialer(parse(t, url), s.options.Dial)
	if err != nil {
		t.Fatalf("Dialer %s: %v", url, err)
	}
	return d
}

// needsConnections skips a property that only transports with connections promise.
func (s *suite) needsConnections(t *testing.T) {
	t.Helper()
	if s.options.Connectionless {
		t.Skip("not promised: the transport is connectionless")
	}
}

// expected returns an error for an err, possibly nil, that differs from want.
func expected(want string, err error) error {
	if err == nil {
		return errors.New("no error is returned; expected is " + want)
	}
	return fmt.Errorf("expected is %s, and not: %w", want, err)
}

// within runs f and fails the test if f returns an error, or does not return. A late result of f is ignored, so f returns
// its errors and must not use t.
func within(t *testing.T, what string, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(watchdog):
		t.Fatalf("%s hangs: not done after %v", what, watchdog)
	}
}

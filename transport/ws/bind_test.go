// SPDX-License-Identifier: MIT

package ws

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/transporttest"
)

// A pausedNetwork binds addresses, and returns or unbinds them when it is let.
type pausedNetwork struct {
	transport.Transport
	bound, unbound chan struct{} // nil: at once
}

func (n *pausedNetwork) Listen(ctx context.Context, u transport.URL, o transport.ListenOptions) (transport.Listener, error) {
	l, err := n.Transport.Listen(ctx, u, o)
	if err == nil && n.bound != nil {
		<-n.bound
	}
	return pausedListener{l, n}, err
}

type pausedListener struct {
	transport.Listener
	network *pausedNetwork
}

func (l pausedListener) Close() error {
	if l.network.unbound != nil {
		<-l.network.unbound
	}
	return l.Listener.Close()
}

// shareAt makes a listener of a path at the address that all tests share, and sends the error.
func shareAt(n *pausedNetwork, path string) (*listener, chan error) {
	u := transport.URL{Scheme: "ws", Address: "shared" + path}
	l := &listener{address: address{url: u, inner: transport.URL{Scheme: "tcp", Address: "shared"}, path: path, network: n}}
	done := make(chan error, 1)
	go func() { done <- l.share(context.Background(), transport.ListenOptions{}) }()
	synctest.Wait()
	return l, done
}

func waits(t *testing.T, done chan error, what string) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("%s did not wait: %v", what, err)
	default:
	}
}

// A listener that finds the address in use waits for another of this process that has just bound it, and shares it.
func TestListenersBindAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := transporttest.NewMemory()
		slow := &pausedNetwork{Transport: memory, bound: make(chan struct{})}
		first, bound := shareAt(slow, "/a")
		waits(t, bound, "the first")
		second, joined := shareAt(&pausedNetwork{Transport: memory}, "/b")
		waits(t, joined, "the second")
		close(slow.bound)
		if err := errors.Join(<-bound, <-joined); err != nil {
			t.Fatal(err)
		}
		if first.shared != second.shared {
			t.Error("the two do not share the address")
		}
		if err := errors.Join(first.Close(), second.Close()); err != nil {
			t.Error(err)
		}
	})
}

// A listener that comes while the last one of an address leaves binds it anew.
func TestListenerAfterTheLastLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &pausedNetwork{Transport: transporttest.NewMemory(), unbound: make(chan struct{})}
		first, bound := shareAt(slow, "/a")
		if err := <-bound; err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() { closed <- first.Close() }()
		synctest.Wait()
		second, rebound := shareAt(&pausedNetwork{Transport: slow.Transport}, "/a")
		waits(t, rebound, "the second")
		close(slow.unbound)
		if err := errors.Join(<-closed, <-rebound, second.Close()); err != nil {
			t.Fatal(err)
		}
	})
}

// Of two listeners that both find the address in use by somebody else, both fail.
func TestListenersAtAForeignAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := transporttest.NewMemory()
		foreign, err := memory.Listen(t.Context(), transport.URL{Scheme: "memory", Address: "shared"}, transport.ListenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer foreign.Close()
		other, elsewhere := &pausedNetwork{Transport: transporttest.NewMemory(), bound: make(chan struct{})}, make(chan error, 1)
		slow := &listener{address: address{inner: transport.URL{Scheme: "tcp", Address: "elsewhere"}, path: "/", network: other}}
		go func() { elsewhere <- slow.share(context.Background(), transport.ListenOptions{}) }()
		synctest.Wait()
		_, a := shareAt(&pausedNetwork{Transport: memory}, "/a")
		_, b := shareAt(&pausedNetwork{Transport: memory}, "/b")
		waits(t, a, "the first") // for the one elsewhere, whose address is not known yet
		waits(t, b, "the second")
		close(other.bound)
		for _, done := range []chan error{a, b} {
			if err := <-done; !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("%v", err)
			}
		}
		if err := errors.Join(<-elsewhere, slow.Close()); err != nil {
			t.Error(err)
		}
	})
}

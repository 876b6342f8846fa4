// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/certs"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
)

// An identity is the files of one end.
type identity struct {
	name, cert, key, authorities string
	source                       *certs.Source
}

func newIdentity(t *testing.T, name string, a *testcert.Authority) *identity {
	t.Helper()
	dir := t.TempDir()
	i := &identity{name: name, cert: filepath.Join(dir, "cert"), key: filepath.Join(dir, "key"), authorities: filepath.Join(dir, "authorities")}
	i.issue(t, a)
	i.trust(t, a)
	var err error
	i.source, err = certs.Load(certs.Files{Cert: i.cert, Key: i.key, Authorities: i.authorities})
	testkit.Check(t, err)
	return i
}

func (i *identity) issue(t *testing.T, a *testcert.Authority) {
	t.Helper()
	cert, key := testcert.PEM(t, a.Issue(t, i.name, testkit.Host))
	testcert.File(t, i.key, key)
	testcert.File(t, i.cert, cert)
}

func (i *identity) trust(t *testing.T, all ...*testcert.Authority) {
	t.Helper()
	var pem []byte
	for _, a := range all {
		pem = append(pem, a.CertPEM()...)
	}
	testcert.File(t, i.authorities, pem)
}

// A load makes connections, one after the other in each of its goroutines, and sends a message on each.
type load struct {
	work  sync.WaitGroup
	step  atomic.Int64
	done  []atomic.Int64 // the step at which the latest finished connection of a goroutine began
	stop  atomic.Bool
	sent  atomic.Int64
	fails atomic.Int64
}

func (l *load) run(t *testing.T, connect func() error) {
	for i := range l.done {
		l.work.Go(func() {
			for !l.stop.Load() {
				step := l.step.Load()
				if err := connect(); err != nil {
					l.fails.Add(1)
					t.Errorf("step %d: %v", step, err)
					return
				}
				l.sent.Add(1)
				l.done[i].Store(step)
			}
		})
	}
}

// pass ends a step, and waits until each goroutine has finished a connection that began after it, as an operator waits.
func (l *load) pass(t *testing.T) {
	t.Helper()
	step := l.step.Add(1)
	testkit.Eventually(t, "connections after a change", func() bool {
		for i := range l.done {
			if l.done[i].Load() < step && l.fails.Load() == 0 {
				return false
			}
		}
		return true
	})
}

// T14: both ends exchange their certificates and authorities again and again while peers connect. No handshake fails, no
// message is lost, and an established connection lives on.
func TestRotationUnderLoad(t *testing.T) {
	rotations := testkit.Figure(5, 250) // over each wire
	overWires(t, secureWires, func(t *testing.T, w wireUnderTest) {
		ctx := t.Context() // in full, the test takes longer than any watchdog waits
		old := testcert.NewAuthority(t)
		server, client := newIdentity(t, "server", old), newIdentity(t, "client", old)
		pull, keeper := spry.NewPull(&spry.PullOptions{Options: w.options}), spry.NewPush(&spry.PushOptions{Options: w.options})
		e, err := pull.ListenWith(ctx, &spry.ListenConfig{URL: testkit.Address(t, w.scheme), TLS: server.source.Server()})
		testkit.Check(t, err)
		dial := func(s *spry.Push) error {
			_, err := s.DialWith(ctx, &spry.DialConfig{URL: e.URL(), GetTLS: client.source.Client})
			return err
		}
		testkit.Check(t, dial(keeper))
		received := receiveAll(ctx, pull)

		l := &load{done: make([]atomic.Int64, 2)}
		l.run(t, func() error {
			push := spry.NewPush(&spry.PushOptions{Options: w.options})
			err := dial(push)
			if err == nil {
				err = push.Send(ctx, []byte("x"))
			}
			if closing := push.Close(); err == nil {
				err = closing
			}
			return err
		})
		kept := 0
		for range rotations {
			next := testcert.NewAuthority(t)
			for _, change := range []func(i *identity){
				func(i *identity) { i.trust(t, old, next) },
				func(i *identity) { i.issue(t, next) },
				func(i *identity) { i.trust(t, next) },
			} {
				change(server)
				change(client)
				testkit.Check(t, server.source.Reload())
				testkit.Check(t, client.source.Reload())
				testkit.Check(t, keeper.Send(ctx, []byte("x")))
				kept++
				l.pass(t)
			}
			old = next
		}
		l.stop.Store(true)
		l.work.Wait()
		if st := keeper.Stats(); len(st.Pipes) != 1 || st.Pipes[0].Send.Sent+st.Pipes[0].Send.Queued != uint64(kept) {
			t.Errorf("the established connection was replaced: %+v", st.Pipes)
		}
		testkit.Check(t, keeper.Close())
		want := l.sent.Load() + int64(kept)
		testkit.Eventually(t, "every message arrives", func() bool { return received.Load() >= want })
		testkit.Shut(t, pull)
		if st := pull.Stats(); received.Load() != want || testkit.Sum(st.Rejected) != 0 {
			t.Errorf("%d of %d messages, rejected %v", received.Load(), want, st.Rejected)
		}
		for _, i := range []*identity{server, client} {
			if st := i.source.Stats(); st.Reloads != uint64(3*rotations) || st.Err != nil { // a handshake may find a key that is newer than its certificate
				t.Errorf("%s: %+v", i.name, st)
			}
		}
		t.Logf("T14: %d rotations, %d handshakes, %d failed", rotations, l.sent.Load()+l.fails.Load(), l.fails.Load())
	})
}

// receiveAll counts messages until the socket closes.
func receiveAll(ctx context.Context, pull *spry.Pull) *atomic.Int64 {
	received := new(atomic.Int64)
	go func() {
		for {
			m, err := pull.RecvMsg(ctx)
			if err != nil {
				return
			}
			m.Release()
			received.Add(1)
		}
	}()
	return received
}

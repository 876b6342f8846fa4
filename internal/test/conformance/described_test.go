// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/errno"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/zmq"
)

// The statistics of a pipe say what it connects, on every transport and in both dialects.
func TestStatsDescribePipes(t *testing.T) {
	for _, scheme := range []string{"inproc", "ipc", "tcp", "tls+tcp", "zmtp+tcp", "zmtp+ipc", "ws"} {
		t.Run(scheme, func(t *testing.T) {
			leak.Check(t)
			o := spry.Options{SendQueue: 11, RecvQueue: 12, SendQueueBytes: 1 << 20, RecvQueueBytes: 1 << 21}
			if scheme == "ws" {
				o.Transports = []transport.Transport{ws.Transport{}}
			}
			rep, req := spry.NewRep(&spry.RepOptions{Options: o}), spry.NewReq(&spry.ReqOptions{Options: o})
			defer testkit.Shut(t, rep, req)
			began := time.Now()
			e := testkit.ListenOn(t, rep, scheme)
			testkit.DialTo(t, req, e)
			testkit.Check(t, rep.WaitPipes(testkit.Watchdog(t), 1))
			q, p := req.Stats(), rep.Stats()
			ours, theirs := q.Pipes[0], p.Pipes[0]
			if q.Endpoints[0].State != "connected" || p.Endpoints[0].State != "listening" || q.Endpoints[0].Attempts != 1 || q.Endpoints[0].Redials != 0 {
				t.Errorf("endpoints %+v, %+v", q.Endpoints, p.Endpoints)
			}
			if ours.PeerProtocol != "rep" || theirs.PeerProtocol != "req" || ours.Listening || !theirs.Listening || ours.URL != e.URL() || theirs.URL != e.URL() {
				t.Errorf("roles: %+v, %+v", ours, theirs)
			}
			base, dialect := scheme[strings.LastIndexByte(scheme, '+')+1:], "sp"
			if strings.HasPrefix(scheme, "zmtp+") {
				dialect = "zmtp"
			} else if scheme == "inproc" {
				dialect = ""
			}
			for _, st := range []spry.PipeStats{ours, theirs} {
				if st.Transport != base || st.Dialect != dialect || st.Since.Before(began) || st.Since.After(time.Now()) {
					t.Errorf("%+v", st)
				}
				if st.SendLimit != 11 || st.RecvLimit != 12 || st.SendLimitBytes != 1<<20 || st.RecvLimitBytes != 1<<21 {
					t.Errorf("limits %+v", st)
				}
				if secure := st.TLS != nil; secure != (scheme == "tls+tcp") || secure && st.TLS.Version != "TLS 1.3" {
					t.Errorf("TLS %+v", st.TLS)
				}
				if pid := st.PeerPID; (base == "ipc" && runtime.GOOS == "linux") != (pid == os.Getpid()) || base != "ipc" && pid != 0 {
					t.Errorf("process %d", pid)
				}
			}
			switch {
			case scheme == "inproc":
				if ours.PeerSocket != rep.ID() || ours.PeerPipe != theirs.ID || theirs.PeerSocket != req.ID() || theirs.PeerPipe != ours.ID {
					t.Errorf("peers in process: %+v, %+v", ours, theirs)
				}
			case base != "ipc" && (ours.Local != theirs.Remote || ours.Remote != theirs.Local || ours.Local == ""):
				t.Errorf("addresses %q %q, %q %q", ours.Local, ours.Remote, theirs.Local, theirs.Remote)
			}
			if scheme == "tls+tcp" && ours.TLS.NotAfter.Before(began) {
				t.Errorf("the certificate expires at %v", ours.TLS.NotAfter)
			}
			call, err := req.Start(spry.WrapMessage([]byte("hello"), nil))
			testkit.Check(t, err)
			request, err := rep.Recv(testkit.Watchdog(t))
			testkit.Check(t, err)
			testkit.Check(t, request.Reply(testkit.Watchdog(t), []byte("hello")))
			_, err = call.Wait(testkit.Watchdog(t))
			testkit.Check(t, err)
			testkit.Check(t, req.Flush(testkit.Watchdog(t)))
			testkit.Check(t, rep.Flush(testkit.Watchdog(t)))
			if q, p := req.Stats(), rep.Stats(); q.Send.Bytes < 5 || q.Send.Bytes != p.Recv.Bytes || p.Send.Bytes != q.Recv.Bytes {
				t.Errorf("bytes: %d sent, %d received; back %d, %d", q.Send.Bytes, p.Recv.Bytes, p.Send.Bytes, q.Recv.Bytes)
			}
			if n := req.Stats().Goroutines; n < req.Stats().Endpoints[0].Goroutines || n == 0 {
				t.Errorf("%d goroutines of the socket, %d of its endpoint", n, req.Stats().Endpoints[0].Goroutines)
			}
		})
	}
}

// Identities are shown as text, whatever they are.
func TestStatsShowIdentities(t *testing.T) {
	for identity, want := range map[string]string{"worker 1": "worker 1", "\x01\xff\n": `"\x01\xff\n"`, `say "hi"`: `"say \"hi\""`} {
		router, dealer := zmq.NewRouter(nil), zmq.NewDealer(&zmq.DealerOptions{Options: spry.Options{Identity: identity}})
		e := testkit.ListenOn(t, router, "tcp")
		testkit.DialTo(t, dealer, e)
		testkit.Check(t, router.WaitPipes(testkit.Watchdog(t), 1))
		if p := router.Stats().Pipes[0]; p.Identity != want || p.PeerProtocol != "dealer" {
			t.Errorf("%q is shown as %q of a %s", identity, p.Identity, p.PeerProtocol)
		}
		testkit.Shut(t, router, dealer)
	}
}

// Attempts to connect that fail are counted by their reasons, and the endpoint says when it tries again.
func TestFailedAttemptsAreClassed(t *testing.T) {
	for want, cause := range map[spry.Reason]error{
		spry.ReasonNoListener: errno.ConnRefused, spry.ReasonUnreachable: errno.NetUnreachable, spry.ReasonResources: errno.TooManyFiles,
		spry.ReasonUnresolved: &net.DNSError{Err: "no such host", Name: "nowhere", IsNotFound: true}, spry.ReasonTimeout: context.DeadlineExceeded,
		spry.ReasonIO: syscall.EINVAL,
	} {
		push := spry.NewPush(nil)
		_, err := push.DialWith(testkit.Watchdog(t), &spry.DialConfig{
			URL: "tcp://127.0.0.1:1", Background: true, Backoff: &spry.Backoff{Min: time.Hour, Max: time.Hour},
			DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, fmt.Errorf("planted: %w", cause) },
		})
		testkit.Check(t, err)
		testkit.Eventually(t, "the dialer waits", func() bool { return push.Stats().Endpoints[0].State == "waiting" })
		st := push.Stats().Endpoints[0]
		if len(st.Failed) != 1 || st.Failed[want] != 1 || st.Attempts != 1 || !st.NextAttempt.After(time.Now()) || !strings.Contains(st.LastError, "planted") {
			t.Errorf("%v should be %s: %+v", cause, want, st)
		}
		testkit.Check(t, push.Close())
	}
}

// A name without a listener, a path without a socket and a peer that refuses are failures as well.
func TestFailedAttemptsOfEachTransport(t *testing.T) {
	pub := spry.NewPub(nil)
	misfit := testkit.ListenOn(t, pub, "tcp")
	defer testkit.Shut(t, pub)
	for url, want := range map[string]spry.Reason{
		"ipc://" + t.TempDir() + "/none": spry.ReasonNoListener, misfit.URL(): spry.ReasonRoleMismatch, "tcp://127.0.0.1:1": spry.ReasonNoListener,
	} {
		push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Backoff: spry.Backoff{Min: time.Millisecond, Max: time.Millisecond}}})
		_, err := push.Connect(url)
		testkit.Check(t, err)
		testkit.Eventually(t, "three attempts have failed", func() bool { return push.Stats().Endpoints[0].Redials > 2 })
		if st := push.Stats().Endpoints[0]; len(st.Failed) != 1 || st.Failed[want] < 2 {
			t.Errorf("%s should fail with %s: %+v", url, want, st)
		}
		testkit.Check(t, push.Close())
	}
}

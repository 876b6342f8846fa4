// SPDX-License-Identifier: MIT

package sprytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/sprytest"
	"github.com/sprymq/spry/transport"
)

// Programs use their own URLs: each pair meets, and others do not.
func TestURLs(t *testing.T) {
	for _, tc := range []struct{ listen, dial, from, fails string }{
		{"tcp://*:5555", "tcp://server:5555", "client", ""},
		{"tcp://:5555", "tcp://SERVER:5555", "client", ""},
		{"tcp4://0.0.0.0:5555", "tcp4://10.0.0.7:5555", "client", ""},
		{"tcp://server:5555", "tcp://db.example.com:5555", "client", ""},
		{"tcp://server:*", "tcp://server:49152", "client", ""},
		{"tcp://*:5555", "tcp://127.0.0.1:5555", "server", ""},
		{"tcp://127.0.0.1:5555", "tcp://localhost:5555", "server", ""},
		{"zmtp+tcp://*:5555", "zmtp+tcp://server:5555", "client", ""},
		{"ipc:///run/s", "ipc:///run/s", "server", ""},
		{"ipc://*", "ipc://spry-1", "server", ""},
		{"abstract://s", "abstract://s", "server", ""},
		{"abstract://s%00t", "abstract://s%00%74", "server", ""},
		{"inproc://s", "inproc://s", "server", ""},
		{"tcp://127.0.0.1:5555", "tcp://server:5555", "client", "refused"},
		{"tcp://*:5555", "tcp://127.0.0.1:5555", "client", "refused"},
		{"tcp://*:5555", "tcp://server:5556", "client", "refused"},
		{"tcp://*:5555", "tcp://nobody:5555", "client", "no such host"},
		{"tcp://*:5555", "tcp://_feed._tcp.server", "client", "no SRV records"},
		{"tcp://*:5555", "tcp://eth0;server:5555", "client", "DialContext chooses where"},
		{"ipc:///run/s", "ipc:///run/s", "client", "refused"},
		{"tcp://*:5555", "ws://server:5555", "client", "ws.Transport{}"},
	} {
		sprytest.Run(t, 1, func(w *sprytest.World) {
			server := w.Host("server", "10.0.0.7", "db.example.com")
			pull := spry.NewPull(&spry.PullOptions{Options: server.Options()})
			defer pull.Close()
			if _, err := pull.Listen(w.Context(), tc.listen); err != nil {
				w.Fatalf("%s: %v", tc.listen, err)
			}
			push := spry.NewPush(&spry.PushOptions{Options: w.Host(tc.from).Options()})
			defer push.Close()
			_, err := push.Dial(w.Context(), tc.dial)
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					w.Errorf("%s from %s to %s: %v, want %q", tc.dial, tc.from, tc.listen, err, tc.fails)
				}
				return
			}
			if err != nil {
				w.Fatal(err)
			}
			if err := push.Send(w.Context(), []byte("x")); err != nil {
				w.Fatal(err)
			}
			if m, err := pull.Recv(w.Context()); string(m) != "x" || err != nil {
				w.Errorf("%s: %q, %v", tc.dial, m, err)
			}
		})
	}
}

func TestListenersURLsAreThoseThatOthersDial(t *testing.T) {
	n := sprytest.NewNet(1)
	h := n.Host("server")
	n.Host("other")
	for address, want := range map[string]string{
		"*:5555": "tcp://server:5555", "127.0.0.1:6": "tcp://127.0.0.1:6", "0.0.0.0:0": "tcp://server:49152", "localhost:7": "tcp://localhost:7",
		"*": "missing port", "server:x": "not a number", "other:1": "assign requested", "nobody:1": "no such host",
	} {
		l, err := h.Listen(t.Context(), transport.URL{Scheme: "tcp", Address: address}, transport.ListenOptions{})
		got := fmt.Sprint(err)
		if err == nil {
			got = l.URL()
			if _, err := h.ListenTCP(strings.TrimPrefix(got, "tcp://")); !errors.Is(err, syscall.EADDRINUSE) {
				t.Errorf("%s can be taken twice: %v", got, err)
			}
			l.Close()
		}
		if !strings.Contains(got, want) {
			t.Errorf("listening at %s: %s, want %s", address, got, want)
		}
	}
}

func TestHostsHaveEachNameOnce(t *testing.T) {
	n := sprytest.NewNet(1)
	a := n.Host("a", "10.0.0.1")
	if n.Host("A") != a || n.Host("10.0.0.1") != a || len(n.Hosts()) != 1 {
		t.Error("a name of a host made another")
	}
	defer func() {
		if why := recover(); !strings.Contains(fmt.Sprint(why), "a name of the host a already") {
			t.Errorf("two hosts have one address: %v", why)
		}
	}()
	n.Host("b", "10.0.0.1")
}

func TestTLS(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		w.SetFaults(sprytest.Faults{Latency: time.Second})
		pull := spry.NewPull(&spry.PullOptions{Options: w.Host("server").Options()})
		defer pull.Close()
		push := spry.NewPush(&spry.PushOptions{Options: w.Host("client").Options()})
		defer push.Close()
		authority := testcert.NewAuthority(w) // in virtual time, which begins in 2000
		server, client := authority.Server(w), authority.Client(w, "client")
		client.ServerName = "localhost"
		if _, err := pull.ListenWith(w.Context(), &spry.ListenConfig{URL: "tls+tcp://*:5555"}); err == nil || !strings.Contains(err.Error(), "needs a certificate") {
			w.Errorf("a listener without a certificate: %v", err)
		}
		if _, err := pull.ListenWith(w.Context(), &spry.ListenConfig{URL: "tls+tcp://*:5555", TLS: server}); err != nil {
			w.Fatal(err)
		}
		if _, err := push.DialWith(w.Context(), &spry.DialConfig{URL: "tls+tcp://server:5555", TLS: client}); err != nil {
			w.Fatal(err)
		}
		if err := push.Send(w.Context(), []byte("secret")); err != nil {
			w.Fatal(err)
		}
		m, err := pull.RecvMsg(w.Context())
		if err != nil || string(m.Bytes()) != "secret" || m.Pipe().TLS() == nil {
			w.Errorf("%v, %v", m, err)
		}
	})
}

// A server and a client of HTTP work in the network too.
func TestHTTP(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		w.SetFaults(sprytest.Faults{Latency: time.Minute})
		l, err := w.Host("web").ListenTCP(":80")
		if err != nil {
			w.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { fmt.Fprint(rw, r.Host) })}
		go server.Serve(l)
		defer server.Close()
		link := &http.Transport{DialContext: w.Host("browser").DialContext}
		defer link.CloseIdleConnections()
		begun := time.Now()
		request, err := http.NewRequestWithContext(w.Context(), http.MethodGet, "http://web/", nil)
		if err != nil {
			w.Fatal(err)
		}
		answer, err := link.RoundTrip(request)
		if err != nil {
			w.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if took := time.Since(begun); string(body) != "web" || err != nil || took != 4*time.Minute {
			w.Errorf("%q, %v, after %v", body, err, took)
		}
	})
}

func TestDialContextFailsAsPackageNetDoes(t *testing.T) {
	sprytest.Run(t, 1, func(w *sprytest.World) {
		h := w.Host("h")
		_, err := h.DialContext(w.Context(), "tcp", "nobody:1")
		var missing *net.DNSError
		if !errors.As(err, &missing) || !missing.IsNotFound {
			w.Errorf("an unknown name: %v", err)
		}
		_, err = h.DialContext(w.Context(), "tcp", "h:1")
		if !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != "dial tcp h:1: connect: connection refused" {
			w.Errorf("no listener: %v", err)
		}
		_, err = h.DialContext(w.Context(), "udp", "h:1")
		if unknown := net.UnknownNetworkError(""); !errors.As(err, &unknown) {
			w.Errorf("an unknown network: %v", err)
		}
		h.To(h).Block(true)
		ctx, cancel := context.WithTimeout(w.Context(), time.Hour)
		defer cancel()
		begun := time.Now()
		if _, err = h.DialContext(ctx, "tcp", "h:1"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Hour {
			w.Errorf("a blocked route: %v after %v", err, time.Since(begun))
		}
	})
}

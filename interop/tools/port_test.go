// SPDX-License-Identifier: MIT

package tools_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/port"
	"github.com/sprymq/spry/web"
)

// openPort serves a page at /page and a Pull, at /jobs too, with TLS and without; and a protocol whose server speaks first.
func openPort(t *testing.T) (p *port.Port, pull *spry.Pull) {
	t.Helper()
	p, err := port.Listen(t.Context(), "tcp://127.0.0.1:0", &port.Config{TLS: serverTLS(t)})
	testkit.Check(t, err)
	pull = spry.NewPull(nil)
	_, err = pull.ListenOn(p.Claim(port.Sockets), nil)
	testkit.Check(t, err)
	mux := http.NewServeMux()
	mux.Handle("/jobs", web.Handler(pull, nil))
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, " tls:", r.TLS != nil) })
	server := &http.Server{Handler: mux, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(p.Claim(port.HTTP))
	greeters := p.Claim(port.Protocol{Silence: 200 * time.Millisecond})
	go func() {
		for {
			c, err := greeters.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "220 ready\r\n")
			c.Close()
		}
	}()
	go p.Serve()
	t.Cleanup(func() {
		p.Close()
		server.Close()
		pull.Close()
	})
	return p, pull
}

// page is a request, but for its last line feed.
const page = "GET /page HTTP/1.0\r\n\r"

// Clients of other projects share a port: of HTTP/1, HTTP/2 and h2c, with TLS and without; of SP and ZMTP; and silent ones.
func TestOnePort(t *testing.T) {
	ctx := kit.Watched(t)
	p, pull := openPort(t)
	at := p.Addr().String()
	host, number, _ := net.SplitHostPort(at)
	authority := kit.Certificates(t).AuthorityFile
	secure := []string{"-sS", "--noproxy", "*", "--cacert", authority, "--resolve", "localhost:" + number + ":" + host, "https://localhost:" + number + "/page"}
	for name, test := range map[string]struct {
		args        []string
		input, want string
	}{
		"curl http/1":       {[]string{"-sS", "--noproxy", "*", "http://" + at + "/page"}, "", "HTTP/1.1 tls:false"},
		"curl h2c":          {[]string{"-sS", "--noproxy", "*", "--http2-prior-knowledge", "http://" + at + "/page"}, "", "HTTP/2.0 tls:false"},
		"curl https":        {append(secure, "--http1.1"), "", "HTTP/1.1 tls:true"},
		"curl h2":           {append(secure, "--http2"), "", "HTTP/2.0 tls:true"},
		"curl without ALPN": {append(secure, "--no-alpn"), "", "HTTP/1.1 tls:true"},
		"openssl":           {[]string{"s_client", "-quiet", "-ign_eof", "-connect", at}, page, "HTTP/1.0 tls:true"},
		"ncat":              {[]string{host, number}, page, "HTTP/1.0 tls:false"},
		"ncat ssl":          {[]string{"--ssl", host, number}, page, "HTTP/1.0 tls:true"},
		"ncat silent":       {[]string{"--recv-only", host, number}, "", "220 ready\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			program, _, _ := strings.Cut(name, " ")
			c := peer.Start(t, peer.Find(t, program, program), test.args...)
			if test.input != "" {
				c.WriteLine(test.input)
			}
			if got := c.Wait(); !strings.HasSuffix(got, test.want) {
				t.Errorf("it got %q, want %q", got, test.want)
			}
		})
	}
	t.Run("openssl with a name that nothing has", func(t *testing.T) {
		c := peer.Start(t, peer.Find(t, "openssl", "openssl"), "s_client", "-alpn", "imap", "-connect", at)
		if c.Result() == nil {
			t.Error("it is not refused")
		}
		testkit.Eventually(t, "it is counted", func() bool { return p.Stats().Refused[port.ReasonSecurity] == 1 })
	})
	t.Run("pyzmq", func(t *testing.T) {
		// A context that is not ended is dropped at the interpreter's exit, with messages that have not left.
		peer.Python(t, "zmq", "python3-zmq", "-c", `import sys, zmq; c = zmq.Context(); s = c.socket(zmq.PUSH); s.connect(sys.argv[1]); s.send(b"zmtp"); s.close(); c.term()`, "tcp://"+at)
		m, err := pull.Recv(ctx)
		testkit.Check(t, err)
		kit.Same(t, "the message", m, []byte("zmtp"))
	})
	for name, args := range map[string][]string{
		"sp":  {"--push", "--dial", "tcp://" + at, "--data", "sp"},
		"ws":  {"--push", "--dial", "ws://" + at + "/jobs", "--data", "ws"},
		"tls": {"--push", "--dial", "tls+tcp://localhost:" + number, "--cacert", authority, "--data", "tls"},
	} {
		t.Run("nngcat "+name, func(t *testing.T) {
			peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), append(args, "--interval", "1")...)
			for got := ""; got != name; { // those before send again and again
				m, err := pull.Recv(ctx)
				testkit.Check(t, err)
				got = string(m)
			}
		})
	}
	t.Run("nngcat to a port without sockets", func(t *testing.T) {
		empty, err := port.Listen(ctx, "tcp://127.0.0.1:0", nil)
		testkit.Check(t, err)
		defer empty.Close()
		go empty.Serve()
		c := peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--push", "--dial", empty.URL(), "--data", "x")
		if err := c.Result(); err == nil {
			t.Error("it is not refused")
		}
		testkit.Eventually(t, "it is counted", func() bool { return empty.Stats().Refused[port.ReasonUnclaimed] == 1 })
	})
}

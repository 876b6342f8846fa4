// SPDX-License-Identifier: MIT

package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A program is a reverse proxy with little configuration: that of users is tested in ../reverseproxy.
type program struct {
	name, debianPackage string
	config              func(x *proxy, folder string) string
	args                []string // before the path of the configuration
}

var programs = []program{
	{"nginx", "nginx-light", func(x *proxy, folder string) string {
		user := ""
		if os.Getuid() == 0 {
			user = "user root;\n"
		}
		return fmt.Sprintf(`%sdaemon off; master_process off; pid %[2]s/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/a; proxy_temp_path %[2]s/b; fastcgi_temp_path %[2]s/c; uwsgi_temp_path %[2]s/d; scgi_temp_path %[2]s/e;
	server {
		listen %[3]s;
		listen %[4]s http2;
		location / {
			proxy_pass http://%[5]s;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_read_timeout 1h;
		}
		location /stream { # nginx has no HTTP/2 to servers but for gRPC
			grpc_pass grpc://%[5]s;
			grpc_read_timeout 1h;
			client_max_body_size 0;
		}
	}
}
`, user, folder, x.front, x.front2, x.back)
	}, []string{"-e", "stderr", "-c"}},
	{"haproxy", "haproxy", func(x *proxy, _ string) string {
		return fmt.Sprintf(`defaults
	mode http
	timeout connect 10s
	timeout client 1h
	timeout server 1h
listen one
	bind %[1]s
	server only %[3]s
listen two
	bind %[2]s proto h2
	server only %[3]s proto h2
`, x.front, x.front2, x.back) // an answer of HTTP/2 would have no reason phrase in HTTP/1, and h2load would find no status
	}, []string{"-db", "-f"}},
	{"caddy", "caddy", func(x *proxy, folder string) string {
		return fmt.Sprintf(`{
	admin off
	auto_https off
	storage file_system %s
	servers {
		protocols h1 h2c
	}
}
http://%s, http://%s {
	bind 127.0.0.1
	reverse_proxy h2c://%s {
		flush_interval -1
	}
}
`, folder, x.front, x.front2, x.back)
	}, []string{"run", "--adapter", "caddyfile", "--config"}},
}

// A proxy runs before a gateway.
type proxy struct {
	program
	front, front2 string // host and port for HTTP/1.1, and for HTTP/2 without TLS
	back          string
	path          string // of the configuration
	process       *peer.Process
}

// startProxy runs a reverse proxy until the test ends.
func startProxy(t *testing.T, p program, back string) *proxy {
	t.Helper()
	x := &proxy{program: p, front: peer.TCPAddress(t), front2: peer.TCPAddress(t), back: back}
	folder := filepath.Join(kit.Scratch, p.name+strings.ReplaceAll(x.front, ":", "-"))
	testkit.Check(t, os.MkdirAll(folder, 0o700))
	x.path = filepath.Join(folder, "config")
	testkit.Check(t, os.WriteFile(x.path, []byte(p.config(x, folder)), 0o600))
	x.run(t)
	return x
}

// run starts the proxy, for the first time or again.
func (x *proxy) run(t *testing.T) {
	t.Helper()
	x.process = peer.Start(t, peer.Find(t, x.name, x.debianPackage), append(x.args[:len(x.args):len(x.args)], x.path)...)
	for _, at := range []string{x.front, x.front2} {
		peer.WaitListening(t, "tcp://"+at)
	}
}

// eachProxy runs a test with every reverse proxy, if all tests are to do all that they can: the proxies are no part of the short run.
func eachProxy(t *testing.T, test func(t *testing.T, p program)) {
	t.Helper()
	if !kit.Long {
		t.Skip("the proxies take a while: SPRY_LONG=1 runs them")
	}
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

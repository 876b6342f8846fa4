// SPDX-License-Identifier: MIT

package websocket_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A route is a port of a proxy, and the server behind it.
type route struct {
	mode        string // ws and wss: HTTP, with the proxy's TLS; raw: the bytes of TCP; raw tls: the same, with TLS of the ends
	front, back string // host and port
}

// modes are those of routes.
var modes = []string{"ws", "wss", "raw", "raw tls"}

// newRoute takes ports for a route.
func newRoute(t *testing.T, mode string) route {
	t.Helper()
	return route{mode, peer.TCPAddress(t), peer.TCPAddress(t)}
}

// ends are the addresses of the dialing end and of the listening one. The first is Spry's if spryDials, the other is if spryListens.
func (r route) ends(t *testing.T, spryDials, spryListens bool) (dialing, listening kit.Address) {
	t.Helper()
	dialing = kit.Address{Transport: "ws", URL: "ws://" + r.front + "/feed", SpryListens: !spryDials}
	listening = kit.Address{Transport: "ws", URL: "ws://" + r.back + "/feed", SpryListens: spryListens}
	secure := func(a *kit.Address) {
		u, err := url.Parse(a.URL)
		testkit.Check(t, err)
		a.URL, a.TLS = "wss://localhost:"+u.Port()+"/feed", kit.Certificates(t) // the name in the certificate
	}
	if r.mode == "wss" || r.mode == "raw tls" {
		secure(&dialing)
	}
	if r.mode == "raw tls" {
		secure(&listening)
	}
	return dialing, listening
}

// A proxy is a program that passes connections on.
type proxy struct {
	name          string
	debianPackage string
	// config is the configuration for some routes. Connections on which nothing comes for some seconds are ended.
	config func(t *testing.T, folder string, routes []route, idleSeconds int) string
	args   func(config string) []string
}

var proxies = []proxy{
	{"nginx", "nginx-light with libnginx-mod-stream", nginxConfig, func(config string) []string {
		return []string{"-c", config, "-p", filepath.Dir(config), "-e", "stderr"}
	}},
	{"haproxy", "haproxy", haproxyConfig, func(config string) []string { return []string{"-db", "-f", config} }},
}

// start runs the proxy.
func (p proxy) start(t *testing.T, routes []route, idleSeconds int) *peer.Process {
	t.Helper()
	program := peer.Find(t, p.name, p.debianPackage)
	folder := filepath.Join(kit.Scratch, "proxy"+strings.ReplaceAll(routes[0].front, ":", "-"))
	testkit.Check(t, os.MkdirAll(folder, 0o700))
	config := filepath.Join(folder, "config")
	testkit.Check(t, os.WriteFile(config, []byte(p.config(t, folder, routes, idleSeconds)), 0o600))
	process := peer.Start(t, program, p.args(config)...)
	for _, r := range routes {
		peer.WaitListening(t, "tcp://"+r.front)
	}
	return process
}

func nginxConfig(t *testing.T, folder string, routes []route, idleSeconds int) string {
	t.Helper()
	own := kit.Certificates(t).Server
	var web, raw strings.Builder
	for _, r := range routes {
		if strings.HasPrefix(r.mode, "raw") {
			fmt.Fprintf(&raw, "server { listen %s; proxy_pass %s; proxy_timeout %ds; }\n", r.front, r.back, idleSeconds)
			continue
		}
		secure := ""
		if r.mode == "wss" {
			secure = " ssl"
		}
		fmt.Fprintf(&web, `server {
	listen %s%s;
	location / {
		proxy_pass http://%s;
		proxy_http_version 1.1;
		proxy_set_header Upgrade $http_upgrade;
		proxy_set_header Connection upgrade;
		proxy_set_header Host $http_host;
		proxy_set_header X-Forwarded-For $remote_addr;
		proxy_read_timeout %ds;
		proxy_send_timeout %ds;
	}
}
`, r.front, secure, r.back, idleSeconds, idleSeconds)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n"
	}
	return fmt.Sprintf(`load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
master_process off;
%spid %[2]s/pid;
error_log stderr;
events {}
http {
access_log off;
client_body_temp_path %[2]s/a; proxy_temp_path %[2]s/b; fastcgi_temp_path %[2]s/c; uwsgi_temp_path %[2]s/d; scgi_temp_path %[2]s/e;
ssl_certificate %[3]s;
ssl_certificate_key %[4]s;
%[5]s}
stream {
%[6]s}
`, user, folder, own.CertFile, own.KeyFile, &web, &raw)
}

func haproxyConfig(t *testing.T, folder string, routes []route, idleSeconds int) string {
	t.Helper()
	own := kit.Certificates(t).Server
	var both []byte
	for _, name := range []string{own.CertFile, own.KeyFile} {
		text, err := os.ReadFile(name)
		testkit.Check(t, err)
		both = append(both, text...)
	}
	pem := filepath.Join(folder, "both.pem")
	testkit.Check(t, os.WriteFile(pem, both, 0o600))
	var b strings.Builder
	fmt.Fprintf(&b, "defaults\n\ttimeout connect 10s\n\ttimeout client %ds\n\ttimeout server %ds\n\ttimeout tunnel %ds\n", idleSeconds, idleSeconds, idleSeconds)
	for i, r := range routes {
		mode, secure := "http", ""
		if strings.HasPrefix(r.mode, "raw") {
			mode = "tcp"
		}
		if r.mode == "wss" {
			secure = " ssl crt " + pem
		}
		fmt.Fprintf(&b, "listen route%d\n\tmode %s\n\tbind %s%s\n\tserver only %s\n", i, mode, r.front, secure, r.back)
	}
	return b.String()
}

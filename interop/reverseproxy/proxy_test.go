// SPDX-License-Identifier: MIT

package reverseproxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

const (
	page    = "../../docs/guide/reverse-proxy.md"
	site    = "example.com" // the name of the server in the page
	pageURL = "127.0.0.1:8080"
)

// A program is a reverse proxy. Its configuration is a block of the page, in which the test replaces what is of another machine: ports and
// the paths of files.
type program struct {
	name, debianPackage string
	language            string // of the block
	listen              func(host, port string) (from, to string)
	around              func(folder, block string) string // the rest of a whole configuration, which the system's package has
	check, run          func(config string) []string
}

var programs = []program{
	{
		"nginx", "nginx-light", "nginx", func(host, port string) (from, to string) { return "listen 443 ", "listen " + host + ":" + port + " " },
		func(folder, block string) string {
			user := ""
			if os.Getuid() == 0 {
				user = "user root;\n"
			}
			return fmt.Sprintf(`daemon off;
master_process off;
%spid %[2]s/pid;
error_log stderr;
events {}
http {
access_log off;
client_body_temp_path %[2]s/a; proxy_temp_path %[2]s/b; fastcgi_temp_path %[2]s/c; uwsgi_temp_path %[2]s/d; scgi_temp_path %[2]s/e;
%[3]s}
`, user, folder, block)
		},
		func(config string) []string { return append([]string{"-t"}, nginxArgs(config)...) }, nginxArgs,
	},
	{
		"haproxy", "haproxy", "haproxy", func(host, port string) (from, to string) { return "bind :443 ", "bind " + host + ":" + port + " " },
		func(_, block string) string { return block },
		func(config string) []string { return []string{"-c", "-f", config} },
		func(config string) []string { return []string{"-db", "-f", config} },
	},
	{
		"caddy", "caddy", "caddyfile", func(host, port string) (from, to string) {
			return site + " {", "https://" + site + ":" + port + " {\n    bind " + host
		},
		func(folder, block string) string {
			return fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system %s/storage\n}\n%s", folder, block)
		},
		func(config string) []string {
			return []string{"validate", "--adapter", "caddyfile", "--config", config}
		},
		func(config string) []string { return []string{"run", "--adapter", "caddyfile", "--config", config} },
	},
}

func nginxArgs(config string) []string {
	return []string{"-c", config, "-p", filepath.Dir(config), "-e", "stderr"}
}

// A proxy runs before a program.
type proxy struct {
	program
	front, back string // host and port
	port        string // of front
	config      string
	process     *peer.Process
}

// start runs a reverse proxy as the page has it.
func start(t *testing.T, p program) *proxy {
	t.Helper()
	x := &proxy{program: p, front: peer.TCPAddress(t), back: peer.TCPAddress(t)}
	host, port, err := net.SplitHostPort(x.front)
	testkit.Check(t, err)
	x.port = port
	folder := filepath.Join(kit.Scratch, p.name+x.port)
	testkit.Check(t, os.MkdirAll(folder, 0o700))
	cert, key, both := certificate(t)
	listen, at := p.listen(host, port)
	text := replaced(t, block(t, p.language), map[string]string{
		listen: at, pageURL: x.back,
		"/etc/ssl/" + site + ".crt": cert, "/etc/ssl/" + site + ".key": key, "/etc/ssl/" + site + ".pem": both,
	})
	x.config = filepath.Join(folder, "config")
	testkit.Check(t, os.WriteFile(x.config, []byte(p.around(folder, text)), 0o600))
	peer.Start(t, peer.Find(t, p.name, p.debianPackage), p.check(x.config)...).Wait()
	x.restart(t)
	return x
}

// restart kills the proxy if it runs, and starts it. It returns when the pipes of these sockets have ended that went through it.
func (x *proxy) restart(t *testing.T, sockets ...spry.Socket) {
	t.Helper()
	var pipes []*spry.Pipe
	for _, s := range sockets {
		pipes = slices.AppendSeq(pipes, s.Pipes())
	}
	if x.process != nil {
		x.process.Reap()
	}
	for _, p := range pipes {
		select {
		case <-p.Done():
		case <-kit.Watched(t).Done():
			t.Fatalf("%v does not end with the proxy", p.RemoteAddr())
		}
	}
	x.process = peer.Start(t, peer.Find(t, x.name, x.debianPackage), x.run(x.config)...)
	peer.WaitListening(t, "tcp://"+x.front)
}

// block is the one block of the page in a language.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	testkit.Check(t, err)
	found := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks of %s", page, len(found), language)
	}
	return string(found[0][1])
}

// replaced is a configuration for this machine. It fails if one of the paths of the page would be left.
func replaced(t *testing.T, text string, by map[string]string) string {
	t.Helper()
	for from, to := range by {
		if !strings.Contains(text, from) && !strings.HasPrefix(from, "/etc/") { // no program has all three files
			t.Fatalf("%s has no %q:\n%s", page, from, text)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	if strings.Contains(text, "/etc/") {
		t.Fatalf("a path of another machine is left:\n%s", text)
	}
	return text
}

var identity struct {
	sync.Once
	cert, key, both string
}

// certificate returns the files of a certificate of the site: it, its key, and both in one.
func certificate(t *testing.T) (cert, key, both string) {
	t.Helper()
	identity.Do(func() {
		c, k := testcert.PEM(t, kit.Certificates(t).Authority.IssueWith(t, nil, site, func(c *x509.Certificate) { c.DNSNames = []string{site} }))
		file := func(extension string, data []byte) string {
			return testcert.File(t, filepath.Join(kit.Scratch, site+extension), data)
		}
		identity.cert, identity.key, identity.both = file(".crt", c), file(".key", k), file(".pem", append(c, k...))
	})
	return identity.cert, identity.key, identity.both
}

// trust is a client's configuration for the site, by whatever address.
func trust(t *testing.T) *tls.Config {
	t.Helper()
	c := kit.Certificates(t).Config(false)
	c.ServerName = site
	return c
}

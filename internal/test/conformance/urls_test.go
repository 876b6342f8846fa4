// SPDX-License-Identifier: MIT

package conformance_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/zmq"
)

// A badURL is one that a Dial, a Listen or both refuse, and what their errors say: in most cases what to do about it. None
// stands for a URL that the operation takes.
type badURL struct{ url, dial, listen string }

// either is a URL that both refuse for the same reason.
func either(says string, urls ...string) (bad []badURL) {
	for _, url := range urls {
		bad = append(bad, badURL{url, says, says})
	}
	return bad
}

const none = ""

// planted is in every password that these URLs have.
const planted = "hunter2"

// badURLs are malformed in some way of their own, for each scheme.
func badURLs() []badURL {
	long := strings.Repeat("x", urls.MaxLen)
	var all []badURL
	all = append(all, either("no scheme", "", "tcp", "tcp:", "tcp:/", "127.0.0.1:5555", "/tmp/a", "tcp//h:1", "ali:hunter2@h:1")...)
	all = append(all, either("empty scheme", "://", "://h:1", "://ali:hunter2@h:1")...)
	all = append(all, either("must be a letter",
		"1tcp://h:1", "t p://h:1", "t_p://h:1", "tçp://h:1", "+tcp://h:1", "\n://h:1", "ali:hunter2@tcp://h:1", "ali:hun://hunter2@h:1")...)
	all = append(all, either("NUL", "tcp\x00://h:1", "tcp://h\x00:1", "ipc:///tmp/a\x00", "inproc://\x00", "tcp://ali:hunter2@h\x00:1")...)
	all = append(all, either("at most 2048 are allowed", "tcp://"+long, "ipc://"+long, "inproc://"+long, "nosuch://"+long, long+"://", "ipc://ali:hunter2"+long+"@h")...)
	all = append(all, either("Options.Transports",
		"nosuch://h:1", "ws://h:1", "udp://h:1", "http://h:1", "amqp+tcp://h:1", "zmtp+zmtp+tcp://h:1", "tcp+zmtp://h:1", "zmtp+nosuch://h:1", "nosuch://ali:hunter2@h:1", "nosuch://ali:hun/hunter2@h:1")...)
	for _, tcp := range []string{"tcp://", "zmtp+tcp://", "TCP://", "tls+tcp://", "zmtp+tls+tcp://"} {
		all = append(all, badTCP(tcp)...)
	}
	all = append(all, either("without the 4", "tcp4://[::1]:1", "tls+tcp4://[::1]:1")...)
	all = append(all, either("without the 6", "tcp6://127.0.0.1:1", "tls+tcp6://127.0.0.1:1")...)
	for _, ipc := range []string{"ipc://", "unix://", "zmtp+ipc://"} {
		all = append(all, either("ipc:///tmp/feed.sock", ipc)...)
		all = append(all, either("shorter", ipc+long[:200], ipc+"ali:hunter2"+long[:200]+"@h")...)
		all = append(all, either("abstract://", ipc+"@", ipc+"@x", ipc+"@:hunter2@h")...)
		all = append(all, badURL{ipc + "*", "ipc://./*", none},
			badURL{ipc + "/nosuch/a", none, "no such file"}, badURL{ipc + "/", none, "choose another path"},
			badURL{ipc + "ali:hunter2@/nosuch/a", none, "no such file"}, badURL{ipc + "ali:hun/hunter2@h", none, "no such file"})
	}
	abstract := func(says string, urls ...string) {
		if runtime.GOOS != "linux" {
			says = "only Linux does"
		}
		all = append(all, either(says, urls...)...)
	}
	abstract("abstract://feed", "abstract://")
	abstract("at most 107", "abstract://"+long[:200], "abstract://ali:hunter2"+long[:200]+"@h")
	abstract("%25", "abstract://%", "abstract://%zz", "abstract://a%2", "abstract://ali:hunter2%@h", "zmtp+abstract://ali:%hunter2@h")
	all = append(all, either("inproc://feed", "inproc://", "zmtp+inproc://", "inproc://"+long[:300], "inproc://ali:hunter2"+long[:300]+"@h")...)
	return all
}

// badTCP are malformed addresses of a scheme over TCP.
func badTCP(scheme string) (all []badURL) {
	add := func(says string, addresses ...string) {
		for _, a := range addresses {
			all = append(all, badURL{scheme + a, says, says})
		}
	}
	add("host:port", "", "h", "*", "[::1]")
	add("from 0 to 65535", ":", "h:", "*:", "h:x", "h:-1", "h:+1", "h:65536", "h:99999999999999999999", "h: 1", "h:1 ", "h:1/path", "h:0x50")
	add("there is no parameter", "h:1?x=y", "h:1?token=hunter2", "[::1]:1?x", "h:1?a=b&throttle=1MB/s")
	add("like ?name=value", "h:1?a=%", "h:1?a;b")
	add("brackets", "::1:1", "[127.0.0.1]:1", "[h]:1", "[fe80::1%]:1", "[]:1")
	add("bracket", "[::1:1", "::1]:1", "a[b]:1")
	add("cannot be a host name", ".:1", "a..b:1", "-a:1", "a!b:1", " h:1", "/h:1", "a/b:1", strings.Repeat("x", 64)+":1")
	add("at most 253", strings.Repeat("x.", 127)+"x:1")
	add("xn--", "ä:1")
	add("Options.Security", "ali@h:1", "ali:hunter2@h:1", "ali:hun/hunter2@h:1", ":hunter2@h:1", "ali:hun@hunter2@h:1", "ali:hunter2@", "@h:1", "/ali:hunter2@h:1", "ali:hunter2@[::1]:1", "lo;ali:hunter2@h:1")
	for _, a := range []string{";h:1", "lo:x;h:1", "lo:65536;h:1", "a:b:c;h:1", "a;b;c:1", "lo;", "lo;h"} {
		all = append(all, badURL{scheme + a, "malformed URL", "write the interface or the address alone"})
	}
	return append(all, badURL{scheme + "*:1", "a wildcard is for listening", none}, badURL{scheme + "127.0.0.1:0", "take the port from the listener's URL", none},
		badURL{scheme + "127.0.0.1:*", "take the port from the listener's URL", none}, badURL{scheme + ":1", "name a host", none})
}

// Whatever is wrong with a URL, the error names it and says what to do, shows no password, and leaves nothing behind in a socket that
// works on.
func TestMalformedURLs(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	server, _ := testkit.Certificates()
	for kind, s := range map[string]testkit.Socket{"spry": spry.NewPush(nil), "zmq": zmq.NewPush(nil)} {
		for _, bad := range badURLs() {
			refused := func(op, says string, try func() (*spry.Endpoint, error)) {
				t.Helper()
				if says == none {
					return
				}
				name := fmt.Sprintf("%s: %s %.60q", kind, op, bad.url)
				var e *spry.Endpoint
				var err error
				if p := outcome(t, name, func() { e, err = try() }); p != nil {
					t.Errorf("%s panicked: %v", name, p)
				}
				if e != nil || err == nil {
					t.Errorf("%s: an endpoint %v, %v", name, e != nil, err)
					return
				}
				checkRefusal(t, name, bad.url, says, err)
			}
			refused("dial", bad.dial, func() (*spry.Endpoint, error) { return s.DialWith(ctx, &spry.DialConfig{URL: bad.url}) })
			refused("dial", bad.dial, func() (*spry.Endpoint, error) {
				return s.DialWith(ctx, &spry.DialConfig{URL: bad.url, Background: true})
			})
			refused("listen", bad.listen, func() (*spry.Endpoint, error) {
				return s.ListenWith(ctx, &spry.ListenConfig{URL: bad.url, TLS: server})
			})
		}
		if n := len(s.Stats().Endpoints); n != 0 {
			t.Errorf("%s: %d endpoints were left", kind, n)
		}
		e := testkit.ListenOn(t, s, "tcp")
		testkit.Check(t, e.Close())
		testkit.Shut(t, s)
	}
}

// checkRefusal looks at the error of an operation on a URL.
func checkRefusal(t *testing.T, name, url, says string, err error) {
	t.Helper()
	op, ok := errors.AsType[*spry.OpError](err)
	shown := urls.Redact(url)
	text := fmt.Sprintf("%v %+v %#v %q", err, op, op, err)
	switch {
	case !ok:
		t.Errorf("%s: the error is not an OpError: %v", name, err)
	case !strings.Contains(err.Error(), says):
		t.Errorf("%s: %v; want it to say %q", name, err, says)
	case op.URL != shown && !(len(url) > urls.MaxLen && strings.HasPrefix(shown, strings.TrimSuffix(op.URL, "..."))):
		t.Errorf("%s: the error is of %q", name, op.URL)
	case strings.Contains(text, planted):
		t.Errorf("%s: the error shows the password: %v", name, err)
	case len(err.Error()) > urls.MaxLen:
		t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
	}
}

// What only looks like a password is no fault: a listener's URL is what a peer dials.
func TestNamesThatLookLikePasswords(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	for _, url := range []string{"inproc://a:b@c", "inproc://jobs/a:b@c", "sp+inproc://d:e@f", "ipc://" + t.TempDir() + "/a:b@c"} {
		push, pull := spry.NewPush(nil), spry.NewPull(nil)
		e, err := pull.Listen(ctx, url)
		testkit.Check(t, err)
		if e.URL() != url {
			t.Errorf("%s: the listener's URL is %s", url, e.URL())
		}
		_, err = push.Dial(ctx, e.URL())
		testkit.Check(t, err)
		testkit.Check(t, push.Send(ctx, []byte("x")))
		_, err = pull.Recv(ctx)
		testkit.Check(t, err)
		testkit.Shut(t, push, pull)
	}
}

// SPDX-License-Identifier: MIT

package tcpnet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry/transport"
)

// A fakeNet answers dials: at once with a connection, at once with an error, or never.
type fakeNet map[string]string

func (n fakeNet) connect(log *[]string, begin time.Time) func(ctx context.Context, target string) (net.Conn, error) {
	var mu sync.Mutex
	return func(ctx context.Context, target string) (net.Conn, error) {
		mu.Lock()
		*log = append(*log, target+" "+time.Since(begin).String())
		mu.Unlock()
		switch n[target] {
		case "works":
			c, _ := net.Pipe()
			return c, nil
		case "slow":
			time.Sleep(400 * time.Millisecond)
			c, _ := net.Pipe()
			return c, nil
		case "refuses":
			return nil, errors.New(target + " refuses")
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

// All addresses are raced: one that is silent delays the next by 250 ms, and one that refuses by nothing.
func TestAddressesAreRaced(t *testing.T) {
	for _, tc := range []struct {
		targets []string
		begun   []string
		err     string
	}{
		{[]string{"works", "silent"}, []string{"works 0s"}, ""},
		{[]string{"silent1", "silent2", "works"}, []string{"silent1 0s", "silent2 250ms", "works 500ms"}, ""},
		{[]string{"refuses", "works"}, []string{"refuses 0s", "works 0s"}, ""},
		{[]string{"refuses", "refuses"}, []string{"refuses 0s", "refuses 0s"}, "refuses refuses; refuses refuses"},
		{[]string{"slow", "silent1", "silent2"}, []string{"slow 0s", "silent1 250ms"}, ""},
		{[]string{"silent1", "refuses", "silent2"}, []string{"silent1 0s", "refuses 250ms", "silent2 250ms"}, "deadline"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var begun []string
			answers := fakeNet{"works": "works", "refuses": "refuses", "slow": "slow"}
			conn, err := race(ctx, tc.targets, answers.connect(&begun, time.Now()))
			if err == nil {
				_ = conn.Close()
			}
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%v: %v, want %q", tc.targets, err, tc.err)
			}
			if !slices.Equal(begun, tc.begun) {
				t.Errorf("%v: attempts began %v, want %v", tc.targets, begun, tc.begun)
			}
		})
	}
}

// A fakeDNS counts look-ups, and has other addresses each time.
type fakeDNS struct {
	names    map[string][]netip.Addr
	services map[string][]*net.SRV
	asked    []string
}

func (d *fakeDNS) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	d.asked = append(d.asked, network+" "+host)
	if ips := d.names[host]; len(ips) > 0 {
		return ips, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (d *fakeDNS) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	d.asked = append(d.asked, "SRV "+name)
	return name, d.services[name], nil
}

func ips(texts ...string) (all []netip.Addr) {
	for _, s := range texts {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

func dialerOf(t *testing.T, url string, o transport.DialOptions, r resolver) *Dialer {
	t.Helper()
	u, err := transport.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDialer(u, o)
	if err != nil {
		t.Fatal(err)
	}
	d.resolver = r
	return d
}

// The families of a name alternate, and services are those of their records, in order. Each attempt looks them up anew.
func TestRoutes(t *testing.T) {
	dns := &fakeDNS{
		names: map[string][]netip.Addr{
			"both": ips("2001:db8::1", "2001:db8::2", "2001:db8::3", "::ffff:192.0.2.1", "192.0.2.2"),
			"one":  ips("192.0.2.9"),
		},
		services: map[string][]*net.SRV{
			"_sp._tcp.x": {{Target: "one.", Port: 7}, {Target: "gone.", Port: 8}, {Target: "both.", Port: 9}},
			"_no._tcp.x": {{Target: "."}},
		},
	}
	for _, tc := range []struct{ url, want string }{
		{"tcp://both:1", "[2001:db8::1]:1 192.0.2.1:1 [2001:db8::2]:1 192.0.2.2:1 [2001:db8::3]:1"},
		{"tcp://127.0.0.1;both:1", "192.0.2.1:1 192.0.2.2:1"},
		{"tcp://::1;both:1", "[2001:db8::1]:1 [2001:db8::2]:1 [2001:db8::3]:1"},
		{"tcp://192.0.2.7:1", "192.0.2.7:1"},
		{"tcp://_sp._tcp.x", "192.0.2.9:7 [2001:db8::1]:9 192.0.2.1:9 [2001:db8::2]:9 192.0.2.2:9 [2001:db8::3]:9"},
		{"tcp://_no._tcp.x", "no servers"},
		{"tcp://gone:1", "no such host"},
		{"tcp://::1;one:1", "no address"},
	} {
		var got []string
		routes, err := dialerOf(t, tc.url, transport.DialOptions{}, dns).routes(t.Context())
		for _, r := range routes {
			got = append(got, r.to.String())
		}
		if err != nil {
			got = append(got, err.Error())
		}
		if text := strings.Join(got, " "); text != tc.want && (err == nil || !strings.Contains(text, tc.want)) {
			t.Errorf("%s goes to %s, want %s", tc.url, text, tc.want)
		}
	}
	dns.asked = nil
	d := dialerOf(t, "tcp4://_sp._tcp.x", transport.DialOptions{}, dns)
	for range 2 {
		_, _ = d.routes(t.Context())
	}
	if want := []string{"SRV _sp._tcp.x", "ip4 one", "ip4 gone", "ip4 both"}; !slices.Equal(dns.asked, append(want, want...)) {
		t.Errorf("two attempts looked up %q", dns.asked)
	}
}

// A dialer reaches a server that has moved: records and addresses are those of the moment of each attempt.
func TestMovedServers(t *testing.T) {
	listen := func() (at *net.TCPAddr) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l.Addr().(*net.TCPAddr)
	}
	for _, url := range []string{"tcp://_sp._tcp.x", "tcp://moving:PORT"} {
		old, next := listen(), listen()
		dns := &fakeDNS{
			services: map[string][]*net.SRV{"_sp._tcp.x": {{Target: "moving.", Port: uint16(old.Port)}}}, //nolint:gosec // a port
			names:    map[string][]netip.Addr{"moving": ips("127.0.0.1")},
		}
		d := dialerOf(t, strings.Replace(url, "PORT", strconv.Itoa(old.Port), 1), transport.DialOptions{}, dns)
		reaches := func(want string) {
			t.Helper()
			conn, err := d.Dial(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", url, err)
			}
			if got := conn.RemoteAddr().String(); got != want {
				t.Errorf("%s leads to %s, want %s", url, got, want)
			}
			_ = conn.Close()
		}
		reaches(old.String())
		if d.address.service != "" {
			dns.services["_sp._tcp.x"] = []*net.SRV{{Target: "new.", Port: uint16(next.Port)}} //nolint:gosec // a port
			dns.names["new"] = ips("127.0.0.1")
			reaches(next.String())
			continue
		}
		dns.names["moving"] = nil
		if _, err := d.Dial(t.Context()); err == nil {
			t.Errorf("%s: an address that the name has no more is dialed", url)
		}
	}
}

// DialContext is asked for each server of a service.
func TestServicesThroughDialContext(t *testing.T) {
	dns := &fakeDNS{services: map[string][]*net.SRV{"_sp._tcp.x": {{Target: "a.", Port: 7}, {Target: "b.", Port: 8}}}}
	var asked []string
	d := dialerOf(t, "tcp://_sp._tcp.x", transport.DialOptions{DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
		if asked = append(asked, network+" "+address); address == "a:7" {
			return nil, errors.New("refused")
		}
		c, _ := net.Pipe()
		return c, nil
	}}, dns)
	conn, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if !slices.Equal(asked, []string{"tcp a:7", "tcp b:8"}) {
		t.Errorf("DialContext was asked for %q", asked)
	}
}

func TestMalformedServices(t *testing.T) {
	for _, url := range []string{"tcp://_sp", "tcp://_sp._tcp", "tcp://_sp._udp.x", "tcp://_._tcp.x", "tcp://_sp._tcp..x"} {
		u, err := transport.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewDialer(u, transport.DialOptions{}); !errors.Is(err, transport.ErrURL) {
			t.Errorf("%s: %v", url, err)
		}
		if _, err := Listen(t.Context(), u, transport.ListenOptions{}); !errors.Is(err, transport.ErrURL) {
			t.Errorf("listen %s: %v", url, err)
		}
	}
}

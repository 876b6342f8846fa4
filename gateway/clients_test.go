// SPDX-License-Identifier: MIT

package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func clientsOf(o Options) *clients {
	o = o.withDefaults()
	return newClients(&o)
}

// A client has its burst at once, and then its rate. Others are not affected.
func TestRates(t *testing.T) {
	c := clientsOf(Options{Rate: 10, Burst: 3})
	now := time.Now()
	begin := func(name string) error {
		err := c.begin(name, now)
		if err == nil {
			c.end(name)
		}
		return err
	}
	for i := range 5 {
		if err := begin("a"); (err == nil) != (i < 3) || err != nil && !errors.Is(err, errTooFast) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if err := begin("b"); err != nil {
		t.Error(err)
	}
	for i := range 20 { // two requests for each that the rate allows
		now = now.Add(50 * time.Millisecond)
		if err := begin("a"); (err == nil) != (i%2 == 1) {
			t.Errorf("request %d at the rate: %v", i, err)
		}
	}
}

func TestDefaultsOfRates(t *testing.T) {
	for rate, burst := range map[float64]int{0.5: 1, 1: 1, 7.9: 7, 100: 100} {
		if c := clientsOf(Options{Rate: rate}); c.burst != burst {
			t.Errorf("%v: burst of %d", rate, c.burst)
		}
	}
	if c := clientsOf(Options{}); c.limit != 0 || c.perClient != 512 || c.all != 1024 {
		t.Errorf("%+v", c)
	}
	if c := clientsOf(Options{MaxRequests: 1}); c.perClient != 1 {
		t.Errorf("%+v", c)
	}
}

// One client has its share, all have the whole, and what was refused takes no place.
func TestRequestsAtOneTime(t *testing.T) {
	c := clientsOf(Options{MaxRequests: 4, MaxPerClient: 2})
	now := time.Now()
	for i, step := range []struct {
		name string
		want error
	}{{"a", nil}, {"a", nil}, {"a", errTooMany}, {"b", nil}, {"c", nil}, {"d", errAllTooMany}, {"a", errTooMany}} {
		if err := c.begin(step.name, now); !errors.Is(err, step.want) {
			t.Errorf("%d: %v, want %v", i, err, step.want)
		}
	}
	c.end("a")
	if err := c.begin("d", now); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		c.end(name)
	}
	if c.open != 0 || len(c.by) != 0 {
		t.Errorf("%d open, and %v", c.open, c.by)
	}
}

// Clients without requests are remembered for their rates, but not more than some. The first to be forgotten are those who lose nothing.
func TestForgottenClients(t *testing.T) {
	c := clientsOf(Options{Rate: 1, Burst: 2, MaxRequests: 10})
	now := time.Now()
	if err := c.begin("open", now); err != nil {
		t.Fatal(err)
	}
	old := now.Add(-time.Minute)
	for i := range 3 * maxClients {
		at := now
		if i < maxClients/2 {
			at = old
		}
		name := fmt.Sprint("flood ", i)
		if err := c.begin(name, at); err != nil {
			t.Fatal(i, err)
		}
		c.end(name)
		if i == maxClients {
			if c.by["flood 0"] != nil || c.by[fmt.Sprint("flood ", maxClients-1)] == nil {
				t.Error("clients were forgotten while others had their whole burst")
			}
		}
		if len(c.by) > maxClients+1 {
			t.Fatalf("%d clients are remembered", len(c.by))
		}
	}
	if c.by["open"] == nil {
		t.Error("a client was forgotten that has a request")
	}
	c.end("open")
}

func TestClientsOfConnections(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64",
		"[2001:db8:1:2::9]:99": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64", "@": "@", "": "",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = address
		if got := new(Forwarded).Client(r); got != want {
			t.Errorf("%q is %q, want %q", address, got, want)
		}
	}
}

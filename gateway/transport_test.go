// SPDX-License-Identifier: MIT

package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/transport"
)

// dialing is a Push that dials streams.
func dialing(t *testing.T) *spry.Push {
	t.Helper()
	return closes(t, spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{gateway.Transport{}}}}))
}

// A proxy such as nginx passes the head of the answer on only when the client has sent something.
func TestDialerSpeaksBeforeTheAnswer(t *testing.T) {
	leak.Check(t)
	pull := closes(t, spry.NewPull(nil))
	stream := gateway.Stream(pull, nil)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := make([]byte, 1)
		if _, err := io.ReadFull(r.Body, first); err != nil {
			t.Error(err)
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(first), r.Body), r.Body}
		stream.ServeHTTP(w, r)
	}))
	push := dialing(t)
	if _, err := push.Dial(t.Context(), s.URL); err != nil {
		t.Fatal(err)
	}
	if err := push.Send(t.Context(), []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if m, err := pull.Recv(t.Context()); string(m) != "hi" || err != nil {
		t.Errorf("%q, %v", m, err)
	}
	_ = push.Close()
	_ = pull.Close()
}

// A proxy is asked for a port by its number, because many know no names.
func TestDialerAsksProxyForPort(t *testing.T) {
	leak.Check(t)
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.RequestURI
		w.WriteHeader(http.StatusForbidden)
	}))
	defer proxy.Close()
	through := gateway.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }}
	for address, want := range map[string]string{"gw.example": "gw.example:443", "gw.example:8443": "gw.example:8443", "[2001:db8::1]": "[2001:db8::1]:443"} {
		push := closes(t, spry.NewPush(&spry.PushOptions{Options: spry.Options{Transports: []transport.Transport{through}}}))
		if _, err := push.Dial(t.Context(), "https://"+address+"/stream"); err == nil {
			t.Error("the proxy refused")
		}
		select {
		case got := <-asked:
			if got != "CONNECT "+want {
				t.Errorf("%q, want %s", got, want)
			}
		default:
			t.Errorf("%s: the proxy did not understand what it was asked", address)
		}
	}
}

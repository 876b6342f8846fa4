// SPDX-License-Identifier: MIT

package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/web"
	"github.com/sprymq/spry/zmq"
)

// ask sends a request for an upgrade without a subprotocol.
func ask(t *testing.T, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(testkit.Watchdog(t), http.MethodGet, "http"+strings.TrimPrefix(url, "ws"), http.NoBody)
	testkit.Check(t, err)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		r.Header.Set(name, value)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	testkit.Check(t, err)
	_ = answer.Body.Close()
	return answer
}

// A handler may have a format for pages that name none.
func TestFormatOfAHandler(t *testing.T) {
	leak.Check(t)
	pull, sub := spry.NewPull(&spry.PullOptions{Options: options()}), zmq.NewSub(nil)
	testkit.CloseAll(t, pull, sub)
	for _, tc := range []struct {
		socket web.Socket
		format string
		query  string
		status int
	}{
		{pull, "", "", http.StatusBadRequest},
		{pull, "", "?format=text", http.StatusSwitchingProtocols},
		{pull, "", "?format=xml", http.StatusBadRequest},
		{pull, "json", "", http.StatusSwitchingProtocols},
		{pull, "json", "?format=binary", http.StatusBadRequest},
		{pull, "xml", "?format=json", http.StatusInternalServerError},
		{sub, "", "?format=json", http.StatusBadRequest},
	} {
		_, url := serve(t, web.Handler(tc.socket, &web.Options{Format: tc.format}))
		if r := ask(t, url+tc.query); r.StatusCode != tc.status { //nolint:bodyclose // ask closes it
			t.Errorf("format %q, request %q: %s, want %d", tc.format, tc.query, r.Status, tc.status)
		}
	}
	_, url := serve(t, web.Handler(pull, nil))
	exchange(t, pushTo(t, url+"?format=json"), pull, "\xff")
}

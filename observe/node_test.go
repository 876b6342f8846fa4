// SPDX-License-Identifier: MIT

package observe_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/observe"
)

func TestNodeReadsAReport(t *testing.T) {
	flow(t, "jobs")
	mux := http.NewServeMux()
	mux.Handle("/spry/", http.StripPrefix("/spry", observe.Handler(nil)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	defer s.Close()
	for _, path := range []string{"/spry", "/spry/"} {
		n := &observe.Node{URL: s.URL + path, Client: s.Client(), Header: http.Header{"Authorization": {"Bearer secret"}}}
		r, err := n.Report(t.Context())
		testkit.Check(t, err)
		if r.Instance != spry.Instance() || len(r.Sockets) != 2 || len(r.Sockets[0].Pipes) != 1 || len(r.Sockets[0].Endpoints) != 1 {
			t.Errorf("%+v", r)
		}
	}
	if _, err := (&observe.Node{URL: s.URL + "/spry", Client: s.Client()}).Report(t.Context()); err == nil || !strings.Contains(err.Error(), "403 Forbidden") {
		t.Error(err)
	}
}

// A node may lie. What it says has bounds, leads nowhere, and its own secrets are not shown.
func TestHostileNodes(t *testing.T) {
	asked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimSuffix(r.URL.Path, "/stats") {
		case "/endless":
			spaces := []byte(strings.Repeat(" ", 1<<16))
			for {
				if _, err := w.Write(spaces); err != nil {
					return
				}
			}
		case "/redirect":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/empty":
			_, _ = io.WriteString(w, "{}")
		case "/id":
			_, _ = io.WriteString(w, `{"instance":"a\nb"}`)
		case "/sockets":
			_, _ = io.WriteString(w, `{"instance":"a","sockets":[{}`+strings.Repeat(",{}", 1_000_000)+`]}`)
		case "/pipes":
			_, _ = io.WriteString(w, `{"instance":"a","sockets":[{"pipes":[null`+strings.Repeat(",null", 1_000_000)+`]}]}`)
		case "/spread":
			few := `{"endpoints":[0` + strings.Repeat(",null", 9_999) + `]}`
			_, _ = io.WriteString(w, `{"instance":"a","sockets":[`+strings.ReplaceAll(few+","+few+","+few, "[0", "[null")+`]}`)
		case "/reasons":
			_, _ = io.WriteString(w, `{"instance":"a","sockets":[{"name":"a\":{","rejected":{"x":1`)
			for i := range 10_000 {
				_, _ = fmt.Fprintf(w, `,"%d":1`, i)
			}
			_, _ = io.WriteString(w, `}}]}`)
		case "/garbage":
			_, _ = io.WriteString(w, `{"instance":1}`)
		}
	}))
	defer s.Close()
	for path, want := range map[string]string{
		"/endless": "more than 16777216 bytes", "/redirect": "302 Found", "/empty": "no report", "/garbage": "cannot unmarshal", "/id": "is no id of a process",
		"/sockets": "more than 20000", "/pipes": "more than 20000", "/spread": "more than 20000", "/reasons": "more than 256 members", "/none": "unexpected end",
	} {
		n := &observe.Node{URL: strings.Replace(s.URL, "http://", "http://user:hunter2@", 1) + path}
		if _, err := n.Report(t.Context()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if asked {
		t.Error("a redirection was followed")
	}
	for _, malformed := range []string{"", "host:80", "ftp://host", "http://", "http://host?token=hunter2", "http://host/#hunter2", "http://user:hunter2@[::"} {
		if _, err := (&observe.Node{URL: malformed}).Report(t.Context()); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", malformed, err)
		}
	}
	n := &observe.Node{URL: "unix:///no/such/socket"}
	if _, err := n.Report(t.Context()); !errors.Is(err, observe.ErrNoProcess) || !strings.Contains(err.Error(), "unix:///no/such/socket: ") {
		t.Error(err)
	}
	s.Close()
	if _, err := (&observe.Node{URL: s.URL}).Report(t.Context()); !errors.Is(err, observe.ErrNoProcess) {
		t.Error(err)
	}
}

// SPDX-License-Identifier: MIT

package dash

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

//go:embed login
var loginFiles embed.FS

// writeTimeout is the time in which a client takes a file.
const writeTimeout = 30 * time.Second

// contentPolicy lets the page do nothing but what it consists of.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; img-src 'self' data:; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// routes are the paths of the handler.
func (d *Dash) routes() (*http.ServeMux, error) {
	page, err := fs.Sub(pageFiles, "page/dist")
	if err != nil {
		return nil, err
	}
	login, err := fs.Sub(loginFiles, "login")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", d.either(file(page, "index.html"), file(login, "index.html")))
	mux.HandleFunc("GET /licences.txt", d.only(file(page, "licences.txt")))
	mux.HandleFunc("GET /assets/", d.only(assets(page)))
	mux.HandleFunc("GET /feed", d.only(d.feed))
	mux.HandleFunc("GET /login.css", file(login, "login.css"))
	mux.HandleFunc("GET /login.js", file(login, "login.js"))
	mux.HandleFunc("POST /login", d.logIn)
	return mux, nil
}

// ServeHTTP implements [http.Handler]. Paths are relative to the page's: use [http.StripPrefix], and a prefix that ends with "/".
func (d *Dash) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if err := d.allowed(r); err != nil {
		refuse(w, http.StatusForbidden, err.Error())
		return
	}
	if d.scope.Context().Err() != nil {
		refuse(w, http.StatusServiceUnavailable, errClosed.Error())
		return
	}
	if d.accessOf(r) == refused {
		refuse(w, http.StatusForbidden, "the dashboard is for this machine alone: it has no token, and asks for no certificates")
		return
	}
	d.mux.ServeHTTP(w, r)
}

// only serves clients that may see everything.
func (d *Dash) only(h http.HandlerFunc) http.HandlerFunc {
	return d.either(h, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="spry dash"`)
		refuse(w, http.StatusUnauthorized, "log in first")
	})
}

// either serves others in another way.
func (d *Dash) either(h, others http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if d.accessOf(r) == granted {
			h(w, r)
			return
		}
		others(w, r)
	}
}

// file serves one file.
func file(files fs.FS, name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a writer that has none has its server's
		text, err := fs.ReadFile(files, name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, name, time.Time{}, strings.NewReader(string(text)))
	}
}

// assets serves files whose names are new when they change.
func assets(files fs.FS) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if info, err := fs.Stat(files, name); err != nil || info.IsDir() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		file(files, name)(w, r)
	}
}

func refuse(w http.ResponseWriter, status int, why string) { http.Error(w, why, status) }

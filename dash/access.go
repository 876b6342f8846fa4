// SPDX-License-Identifier: MIT

package dash

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"strings"

	"github.com/sprymq/spry/internal/origin"
)

// cookieName is the name of the cookie that proves that a browser knew the token.
const cookieName = "spry_dash"

// maxLogin is the size of a form with a token, in bytes.
const maxLogin = 4 << 10

// A session is what a client must show.
type session struct {
	token  [sha256.Size]byte // its digest: digests are of one length, so that comparing tells nothing
	cookie string            // of callers that knew it; new for each Dash
	none   bool              // there is no token
}

func newSession(token string) session {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(token))
	return session{token: sha256.Sum256([]byte(token)), cookie: hex.EncodeToString(mac.Sum(nil)), none: token == ""}
}

func (s *session) isToken(text string) bool {
	given := sha256.Sum256([]byte(text))
	return !s.none && subtle.ConstantTimeCompare(given[:], s.token[:]) == 1
}

func (s *session) isCookie(text string) bool {
	return !s.none && subtle.ConstantTimeCompare([]byte(text), []byte(s.cookie)) == 1
}

// access is what a request may do.
type access int

const (
	refused access = iota // nothing
	login                 // log in
	granted               // see everything
)

// accessOf decides by the token, a certificate, or where a request came to.
func (d *Dash) accessOf(r *http.Request) access {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 || d.options.Public {
		return granted
	}
	if d.session.none {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if isLocal(local) {
			return granted
		}
		return refused
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if d.session.isToken(bearer) {
			return granted
		}
		return login
	}
	for _, c := range r.CookiesNamed(cookieName) {
		if d.session.isCookie(c.Value) {
			return granted
		}
	}
	return login
}

// allowed returns an error for a request of a page of another origin.
func (d *Dash) allowed(r *http.Request) error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return origin.Allowed(d.options.Hosts, r.Header["Origin"], r.Host, local)
}

// logIn takes a token in a form, and gives a cookie for it.
func (d *Dash) logIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogin)
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "the form is malformed")
		return
	}
	if !d.session.isToken(r.PostForm.Get("token")) {
		refuse(w, http.StatusForbidden, "the token is wrong")
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: d.session.cookie, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	w.Header().Set("Location", "./") // of the form's own folder, whatever the prefix
	w.WriteHeader(http.StatusSeeOther)
}

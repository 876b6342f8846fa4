// SPDX-License-Identifier: MIT

package gate

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/sprymq/spry/gateway"
)

// minToken is the length of the shortest token, in bytes: shorter ones can be guessed.
const minToken = 16

// A request needs one of the tokens. Only their hashes are kept, so that nothing can print them.
type tokens [][sha256.Size]byte

// add adds the tokens of a text, one a line. Empty lines and those that begin with # are comments.
func (t *tokens) add(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		token := strings.TrimSpace(line)
		if token == "" || strings.HasPrefix(token, "#") {
			continue
		}
		if n++; len(token) < minToken || strings.ContainsAny(token, " \t") {
			return fmt.Errorf("token %d has less than %d characters, or a space: make one by openssl rand -hex 32", n, minToken)
		}
		*t = append(*t, sha256.Sum256([]byte(token)))
	}
	if n == 0 {
		return fmt.Errorf("there is no token in it: make one by openssl rand -hex 32")
	}
	return nil
}

func (t *tokens) addFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return t.add(string(text))
}

func (t *tokens) addVariable(name string) error {
	text, is := os.LookupEnv(name)
	if !is {
		return fmt.Errorf("the environment has no %s", name)
	}
	return t.add(text)
}

var errToken = &gateway.StatusError{Status: http.StatusUnauthorized, Text: "a bearer token is needed"}

// authorize refuses requests without one of the tokens. How long it takes tells nothing of them.
func (t tokens) authorize(r *http.Request) error {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given := sha256.Sum256([]byte(token))
	right := 0
	for _, known := range t {
		right |= subtle.ConstantTimeCompare(known[:], given[:])
	}
	if right == 0 || !strings.EqualFold(kind, "Bearer") {
		return errToken
	}
	return nil
}

// guard is authorize before handlers that do not call it themselves.
func (t tokens) guard(next http.Handler) http.Handler {
	if len(t) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.authorize(r) != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, errToken.Text, errToken.Status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

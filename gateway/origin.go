// SPDX-License-Identifier: MIT

package gateway

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/sprymq/spry/internal/origin"
)

const (
	allowedHeaders = "Authorization, Content-Type, Last-Event-ID, Spry-Timeout, X-Request-Id"
	exposedHeaders = "Retry-After, X-Request-Id"
	preflightAge   = "600" // seconds for which a browser remembers an answer
)

// checkOrigin refuses requests of pages of other origins, tells browsers which ones are allowed, and answers OPTIONS.
func (x *exchange) checkOrigin() (done bool, err error) {
	all := x.r.Header["Origin"]
	header := x.w.Header()
	if len(x.options.Origins) > 0 {
		header.Add("Vary", "Origin")
	}
	if err := x.refusedOrigin(all); err != nil {
		return false, &hiddenError{http.StatusForbidden, "pages of this origin are not allowed: list it in Origins", err}
	}
	if len(all) > 0 {
		header.Set("Access-Control-Allow-Origin", all[0])
		header.Set("Access-Control-Expose-Headers", exposedHeaders)
	}
	if x.r.Method != http.MethodOptions {
		return false, nil
	}
	header.Set("Allow", x.method+", OPTIONS")
	if len(all) > 0 {
		header.Set("Access-Control-Allow-Methods", x.method+", OPTIONS") // by which jsclient asks whether it is a gateway
		header.Set("Access-Control-Allow-Headers", allowedHeaders)
		header.Set("Access-Control-Max-Age", preflightAge)
	}
	x.begin(http.StatusNoContent, "")
	return true, nil
}

var errOrigin = errors.New("a page of another origin")

// refusedOrigin is why a request with these origins is refused, or nil.
func (x *exchange) refusedOrigin(all []string) error {
	if len(x.options.Origins) > 0 {
		if len(all) == 0 || len(all) == 1 && slices.ContainsFunc(x.options.Origins, func(o string) bool { return o == "*" || strings.EqualFold(o, all[0]) }) {
			return nil
		}
		return errOrigin
	}
	local, _ := x.r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if len(all) == 0 && x.method == http.MethodGet { // browsers send no origin if a page gets something of its own host
		return origin.CheckHost(x.r.Host, local)
	}
	return origin.Check(all, x.r.Host, local)
}

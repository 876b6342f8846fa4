// SPDX-License-Identifier: MIT

package observe_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
)

// Prometheus scrapes the counters of all sockets of the process.
func ExampleHandler() {
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Name: "jobs"}})
	defer push.Close()
	mux := http.NewServeMux()
	mux.Handle("/spry/", http.StripPrefix("/spry", observe.Handler(nil)))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/spry/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "spry_pipes{") {
			fmt.Println(line[strings.Index(line, "protocol"):])
		}
	}
	// Output: protocol="push",name="jobs"} 0
}

// SPDX-License-Identifier: MIT

package ipc

import (
	"runtime"
	"strings"
	"testing"

	"github.com/sprymq/spry/transport"
)

// FuzzSocketName feeds any address to the parser. What it takes must fit into the system's address, and be
// abstract to package net if and only if the scheme says so.
func FuzzSocketName(f *testing.F) {
	for _, s := range []string{"/tmp/s", "s", "./@s", "@s", "", "a%00b", "%", "%zz", "%2f", "a:b@c", strings.Repeat("x", maxName+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, scheme := range []string{"ipc", "unix", "abstract"} {
			u, err := transport.ParseURL(scheme + "://" + s)
			if err != nil {
				return
			}
			name, err := socketName(u)
			if err != nil {
				if !strings.HasPrefix(err.Error(), u.Redacted()) {
					t.Errorf("the error does not begin with %q: %v", u.Redacted(), err)
				}
				continue
			}
			if abstract := strings.HasPrefix(name, "@"); abstract != (scheme == "abstract") {
				t.Errorf("%q has the name %q", u, name)
			}
			if len(strings.TrimPrefix(name, "@")) > maxName {
				t.Errorf("%q has a name of %d bytes", u, len(name))
			}
		}
	})
}

func TestAbstractNeedsLinux(t *testing.T) {
	_, err := socketName(transport.URL{Scheme: "abstract", Address: "feed"})
	if want := runtime.GOOS == "linux"; (err == nil) != want {
		t.Errorf("abstract://feed on %s: %v", runtime.GOOS, err)
	}
}

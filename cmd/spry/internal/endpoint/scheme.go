// SPDX-License-Identifier: MIT

package endpoint

import (
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/fd"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
)

// Transports are the transports of the command's sockets, in addition to inproc.
func Transports() []transport.Transport {
	bases := []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}, fd.Transport{}}
	return []transport.Transport{stream.Transport{Trace: traceTo(os.Stderr), Base: bases}, ws.Transport{}}
}

// Secured reports whether a URL's scheme has TLS.
func Secured(address string) bool {
	u, err := Parse(address)
	return err == nil && (u.Scheme == "wss" || slices.Contains(strings.Split(u.Scheme, "+"), "tls"))
}

// Schemes are the schemes that the command can dial and listen on, without those that have more layers.
func Schemes() []string {
	list := []string{"inproc"}
	for _, t := range Transports() {
		list = append(list, t.Schemes()...)
	}
	return list
}

// serves reports whether the command can dial and listen on a scheme.
func serves(scheme string) bool {
	layered := func(t transport.Transport) bool {
		m, ok := t.(transport.SchemeMatcher)
		return ok && m.Serves(scheme)
	}
	return slices.Contains(Schemes(), scheme) || slices.ContainsFunc(Transports(), layered)
}

// traceTo returns a function that writes a line for each operation of the layer trace.
func traceTo(w io.Writer) stream.TraceFunc {
	const shown = 32 // bytes
	var mu sync.Mutex
	return func(remote net.Addr, op stream.Op, moved []byte, err error) {
		line := fmt.Sprintf("%s %s", remote, op)
		if len(moved) > 0 {
			line += fmt.Sprintf(" %d bytes: % x", len(moved), moved[:min(len(moved), shown)])
			if len(moved) > shown {
				line += " ..."
			}
		}
		if err != nil {
			line += ": " + err.Error()
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, line)
	}
}

// Check reports whether a URL can be one at all: its error wraps [transport.ErrURL] or [spry.ErrScheme].
func Check(address string) error {
	_, err := Parse(address)
	return err
}

// Parse is the parsed URL without the dialect that may stand before its scheme, as in zmtp+tcp://.
func Parse(address string) (transport.URL, error) {
	u, err := transport.ParseURL(address)
	if err != nil {
		return u, err
	}
	plain := u
	for _, dialect := range []string{"sp", "zmtp"} {
		if rest, ok := urls.Cut(u, dialect); ok {
			plain = rest
		}
	}
	if !serves(plain.Scheme) {
		return u, fmt.Errorf("%s: %w; there are %s", u.Redacted(), spry.ErrScheme, strings.Join(Schemes(), ", "))
	}
	return plain, nil
}

// SPDX-License-Identifier: MIT

package engine

import (
	"fmt"
	"slices"
	"strings"
)

// optional are the transports that a program adds, by the words of their schemes.
var optional = []struct {
	words []string
	add   string // to Options.Transports
	path  string // its package, below that of the module
}{
	{[]string{"ws", "wss"}, "ws.Transport{}", "transport/ws"},
	{[]string{"throttle", "trace", "fault", "socks5", "connect", "tls"}, "stream.Transport{}", "stream"},
}

// schemeRemedy says how a socket gets a transport for a scheme.
func schemeRemedy(scheme string) string {
	for word := range strings.SplitSeq(scheme, "+") {
		for _, o := range optional {
			if slices.Contains(o.words, word) {
				return fmt.Sprintf("import %q and add %s to Options.Transports", "github.com/sprymq/spry/"+o.path, o.add)
			}
		}
	}
	return "pass others in Options.Transports"
}

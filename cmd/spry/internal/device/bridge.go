// SPDX-License-Identifier: MIT

package device

import (
	"strings"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/transport"
)

// bridges are the kinds of both families, by the socket of the front and the one of the back.
var bridges = map[[2]string]string{
	{"pull", "push"}: "pipeline",
	{"sub", "pub"}:   "pubsub",
	{"rep", "req"}:   "reqrep",
}

// ParseBridge reads the sides of a bridge: SOCKET=URL, any number for each of the two sockets. The bridge listens at
// listen:URL and dials dial:URL. Without either prefix, it listens at addresses without a host, which cannot be dialed, and
// dials all others.
func ParseBridge(args []string) (kind string, front, back Side, err error) {
	sides := map[string]*Side{}
	for _, arg := range args {
		name, address, found := strings.Cut(arg, "=")
		if !found || address == "" {
			return "", front, back, exit.Errorf(exit.Usage, "%q is not of the form SOCKET=URL, as in pull=tcp://*:5555", arg)
		}
		side := sides[name]
		if side == nil {
			side = &Side{Name: name}
			sides[name] = side
		}
		if url, is := strings.CutPrefix(address, "listen:"); is {
			side.Listen = append(side.Listen, url)
		} else if url, is := strings.CutPrefix(address, "dial:"); is {
			side.Dial = append(side.Dial, url)
		} else if namesNoHost(address) {
			side.Listen = append(side.Listen, address)
		} else {
			side.Dial = append(side.Dial, address)
			side.implied = append(side.implied, address)
		}
	}
	for names, kind := range bridges {
		if f, b := sides[names[0]], sides[names[1]]; len(sides) == 2 && f != nil && b != nil {
			return kind, *f, *b, nil
		}
	}
	return "", front, back, exit.Errorf(exit.Usage, "a bridge joins a pull and a push, a sub and a pub, or a rep and a req: name the two, each with its addresses")
}

// namesNoHost reports whether an address can only be listened at.
func namesNoHost(url string) bool {
	u, _ := transport.ParseURL(url) // opening it reports errors
	return strings.HasPrefix(u.Address, ":") || strings.HasPrefix(u.Address, "*")
}

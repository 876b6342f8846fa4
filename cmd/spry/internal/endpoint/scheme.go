// SPDX-License-Identifier: MIT

package endpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
)

// Schemes are the schemes that the command can dial and listen on.
func Schemes() []string {
	list := []string{"inproc"}
	for _, t := range []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}} {
		list = append(list, t.Schemes()...)
	}
	return list
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
	if known := Schemes(); !slices.Contains(known, plain.Scheme) {
		return u, fmt.Errorf("%s: %w; there are %s", u.Redacted(), spry.ErrScheme, strings.Join(known, ", "))
	}
	return plain, nil
}

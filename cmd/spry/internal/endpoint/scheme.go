// SPDX-License-Identifier: MIT

package endpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
)

// Schemes are those that the command can dial and listen on.
func Schemes() []string {
	list := []string{"inproc"}
	for _, t := range []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}} {
		list = append(list, t.Schemes()...)
	}
	return list
}

// dialects may stand before a scheme, as in zmtp+tcp://.
var dialects = []string{"sp", "zmtp"}

// Check tells whether a URL can be one at all: its error wraps [transport.ErrURL] or [spry.ErrScheme].
func Check(url string) error {
	u, err := transport.ParseURL(url)
	if err != nil {
		return err
	}
	scheme := u.Scheme
	for _, d := range dialects {
		scheme = strings.TrimPrefix(scheme, d+"+")
	}
	if known := Schemes(); !slices.Contains(known, scheme) {
		return fmt.Errorf("%s: %w; there are %s", u.Redacted(), spry.ErrScheme, strings.Join(known, ", "))
	}
	return nil
}

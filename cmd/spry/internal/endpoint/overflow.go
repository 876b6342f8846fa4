// SPDX-License-Identifier: MIT

package endpoint

import (
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// OverflowNames are the names of --overflow, in the order of [spry.Overflow].
var OverflowNames = []string{"drop-oldest", "drop-newest", "block", "disconnect"}

// Overflow is the policy of a name; "" is the library's default.
func Overflow(name string) (spry.Overflow, error) {
	switch name {
	case "", "drop-oldest":
		return spry.DropOldest, nil
	case "drop-newest":
		return spry.DropNewest, nil
	case "block":
		return spry.Block, nil
	case "disconnect":
		return spry.Disconnect, nil
	}
	return spry.DropOldest, exit.Errorf(exit.Usage, "--overflow %q is not one of %s", name, strings.Join(OverflowNames, ", "))
}

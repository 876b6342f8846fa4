// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"
	"strings"
)

// errUnexpected is the error for an argument that belongs to no flag.
func errUnexpected(arg string) error {
	if strings.Contains(arg, "://") {
		return fmt.Errorf("%q stands alone: write --dial %s or --listen %s", arg, arg, arg)
	}
	return fmt.Errorf("%q stands alone: write --data %q to send it", arg, arg)
}

// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"os"
	"strconv"

	"github.com/sprymq/spry/internal/testkit"
)

// cutEvery is how far apart streams are cut, and bits flipped: everywhere with SPRY_LONG, and otherwise seldom enough to spare
// the cryptography. It is slow on 32-bit machines, and very slow under the race detector, which has nothing to find here: a codec
// has no goroutines.
var cutEvery = func() int {
	switch {
	case testkit.Race:
		return 29
	case os.Getenv("SPRY_LONG") != "":
		return 1
	case strconv.IntSize == 32:
		return 15
	}
	return 7
}()

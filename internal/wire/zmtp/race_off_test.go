// SPDX-License-Identifier: MIT

//go:build !race

package zmtp_test

import (
	"os"
	"strconv"
)

// raceEnabled says whether the race detector is on, which allocates by itself.
const raceEnabled = false

// cutEvery is how far apart streams are cut, and bits flipped: everywhere with SPRY_LONG, and otherwise seldom enough to spare
// the cryptography, which is slow on 32-bit machines.
var cutEvery = func() int {
	switch {
	case os.Getenv("SPRY_LONG") != "":
		return 1
	case strconv.IntSize == 32:
		return 15
	}
	return 7
}()

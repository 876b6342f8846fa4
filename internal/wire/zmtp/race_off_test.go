// SPDX-License-Identifier: MIT

//go:build !race

package zmtp_test

import "strconv"

// raceEnabled says whether the race detector is on, which allocates by itself.
const raceEnabled = false

// cutEvery is how far apart streams are cut: everywhere, but for 32-bit machines, where cryptography is slow.
const cutEvery = 1 + 14*(64/strconv.IntSize-1)

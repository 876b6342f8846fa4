// SPDX-License-Identifier: MIT

//go:build race

package zmtp_test

// raceEnabled says whether the race detector is on, which allocates by itself.
const raceEnabled = true

// cutEvery is how far apart streams are cut. The race detector makes cryptography very slow and has nothing to find
// here: a codec has no goroutines.
const cutEvery = 29

// SPDX-License-Identifier: MIT

//go:build !race

package zmtp_test

// raceEnabled says whether the race detector is on, which allocates by itself.
const raceEnabled = false

// cutEvery is how far apart streams are cut: everywhere.
const cutEvery = 1

// SPDX-License-Identifier: MIT

//go:build race

package spry_test

// raceEnabled says whether the race detector is on, which allocates by itself.
const raceEnabled = true

// SPDX-License-Identifier: MIT

//go:build !race

package main_test

// raceEnabled says that the command is to be built with the race detector, as its tests are.
const raceEnabled = false

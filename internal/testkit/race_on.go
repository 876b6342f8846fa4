// SPDX-License-Identifier: MIT

//go:build race

package testkit

// Race says whether the race detector is on. It allocates by itself.
const Race = true

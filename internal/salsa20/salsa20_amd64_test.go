// SPDX-License-Identifier: MIT

//go:build !purego

package salsa20

import "testing"

// A processor that has rotations can do without.
func TestWithoutRotations(t *testing.T) {
	defer func(has bool) { rotates = has }(rotates)
	rotates = false
	t.Run("every length", TestEveryLength)
	t.Run("block numbers", TestBlockNumbers)
}

func TestWithoutVectors(t *testing.T) {
	defer func(has bool) { hasVectors = has }(hasVectors)
	hasVectors = false
	t.Run("every length", TestEveryLength)
}

// SPDX-License-Identifier: MIT

// Package tools_test has every pattern, transport and direction cross between Spry, as a library and as the command, and nngcat or
// nanocat.
package tools_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

// SPDX-License-Identifier: MIT

// Package website_test builds the documentation's site without a network, and reads it in browsers.
package website_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

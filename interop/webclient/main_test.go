// SPDX-License-Identifier: MIT

// Package webclient_test has Spry's client for browsers meet Spry and nngcat, in Node and in a browser.
package webclient_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

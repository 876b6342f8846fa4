// SPDX-License-Identifier: MIT

// Package dash_test has browsers look at the dashboard.
package dash_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

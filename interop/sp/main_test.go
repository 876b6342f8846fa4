// SPDX-License-Identifier: MIT

// Package sp_test meets programs in C that are linked with libnng and libnanomsg.
package sp_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

// SPDX-License-Identifier: MIT

// Package zeromq_test meets libzmq, in C, Python and Node.js, and programs that others use ZeroMQ in: Jupyter and Mongrel2.
package zeromq_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

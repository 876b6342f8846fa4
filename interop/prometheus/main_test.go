// SPDX-License-Identifier: MIT

// Package prometheus_test has Debian's Prometheus scrape sockets, ask them everything that the dashboard for Grafana asks, and evaluate
// the alert rules.
package prometheus_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

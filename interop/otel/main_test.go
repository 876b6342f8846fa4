// SPDX-License-Identifier: MIT

// Package otel_test has spans and metrics of contrib/otel reported by OpenTelemetry's SDK: to a recorder in the process, and by OTLP from
// three processes to a receiver.
package otel_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as" { // one of the processes of TestTracesJoin
		if err := roles[os.Args[2]](os.Args[3:]...); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	kit.Main(m)
}

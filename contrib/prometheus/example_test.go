// SPDX-License-Identifier: MIT

package prometheus_test

import (
	"fmt"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/contrib/prometheus"
)

// The figures of sockets are beside the program's own, in its own registry.
func ExampleNewCollector() {
	registry := client.NewRegistry()
	registry.MustRegister(prometheus.NewCollector(nil))

	push := spry.NewPush(nil)
	defer push.Close()
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if f.GetName() == "spry_pipes" {
			fmt.Println(f.GetHelp(), f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	// Output: Live pipes. 0
}

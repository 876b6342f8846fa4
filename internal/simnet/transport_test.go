// SPDX-License-Identifier: MIT

package simnet_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/transport/transporttest"
)

func TestTransportSuite(t *testing.T) {
	for _, scheme := range []string{"sim", "simmsg"} {
		t.Run(scheme, func(t *testing.T) {
			names := 0
			transporttest.Run(t, simnet.New(1), transporttest.Options{
				URL: func(*testing.T) string {
					names++
					return fmt.Sprintf("%s://server%d", scheme, names)
				},
				Malformed: []string{scheme + "://"},
			})
		})
	}
}

// SPDX-License-Identifier: MIT

package zmq_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// What a peer costs that asks for its certificate, among as many others.
func BenchmarkAllowCertificates(b *testing.B) {
	for _, files := range []int{10, 1000} {
		b.Run(fmt.Sprint(files), func(b *testing.B) {
			dir := b.TempDir()
			key := newPublicKey(b)
			for i := range files {
				backdated(b, filepath.Join(dir, fmt.Sprint(i)), zmq.Certificate{Public: key}, time.Hour)
			}
			check := zmq.AllowCertificates(dir)
			for b.Loop() {
				_, err := check(b.Context(), curve(key))
				testkit.Check(b, err)
			}
		})
	}
}

// What a peer costs that shows a password.
func BenchmarkAllowPasswords(b *testing.B) {
	check := zmq.AllowPasswords(map[string]string{"ada": "engine"})
	for b.Loop() {
		_, err := check(b.Context(), plain("ada", "engine"))
		testkit.Check(b, err)
	}
}

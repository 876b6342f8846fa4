// SPDX-License-Identifier: MIT

// Package testkit has helpers for the tests of several packages: sockets over each transport, peers that speak bytes, and
// checks of a socket's figures. In packages that import it, leak.Check also checks the invariants of package invariant.
package testkit

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	_ "github.com/sprymq/spry/internal/invariant" // what leak.Check sees to
)

// Patience is a watchdog: what works has ended long before.
const Patience = 2 * time.Minute

// Long asks for the full figures, which take minutes.
var Long = os.Getenv("SPRY_LONG") != ""

// Figure is a number of repetitions.
func Figure(short, full int) int {
	if Long {
		return full
	}
	return short
}

// Watchdog returns a context that ends long after the test should have.
func Watchdog(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Check ends the test if there is an error.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Wants checks that an error is one of a kind, and that it says all of these words.
func Wants(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got the error %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
}

// Eventually waits for a state that nothing announces. The watchdog is not a measure.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// Heap returns how many bytes are alive on the heap.
func Heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // collects objects that the first one finalized
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

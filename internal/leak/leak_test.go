// SPDX-License-Identifier: MIT

package leak

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A recorder stands in for the test that is checked.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// run checks body as if it were a test, and returns what the check says.
func run(patience time.Duration, body func()) string {
	r := new(recorder)
	checkWithin(r, patience)
	body()
	for _, f := range r.cleanups {
		f()
	}
	return strings.Join(r.errors, "\n")
}

func TestCleanTestPasses(t *testing.T) {
	said := run(patience, func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { close(done) }()
		<-done
		l.Close()
	})
	if said != "" {
		t.Errorf("a test that leaves nothing is blamed:\n%s", said)
	}
}

func TestGoroutineThatEndsLateIsWaitedFor(t *testing.T) {
	release := make(chan struct{})
	said := run(patience, func() {
		go func() { <-release }()
		time.AfterFunc(50*time.Millisecond, func() { close(release) })
	})
	if said != "" {
		t.Errorf("a goroutine that ended late is blamed:\n%s", said)
	}
}

func TestLeakedGoroutineIsFound(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	said := run(0, func() {
		go func() { <-release }()
	})
	if !strings.Contains(said, "1 goroutines") || !strings.Contains(said, "TestLeakedGoroutineIsFound") {
		t.Errorf("a leaked goroutine is not reported with its stack:\n%s", said)
	}
}

func TestEarlierGoroutinesAreNotBlamed(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	go func() { <-release }()
	if said := run(0, func() {}); said != "" {
		t.Errorf("a goroutine from before is blamed:\n%s", said)
	}
}

func TestLeakedDescriptorIsFound(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("descriptors are seen on Linux only")
	}
	var f *os.File
	said := run(0, func() {
		var err error
		if f, err = os.Open(os.DevNull); err != nil {
			t.Fatal(err)
		}
	})
	defer f.Close()
	if !strings.Contains(said, "1 file descriptors") || !strings.Contains(said, os.DevNull) {
		t.Errorf("a leaked descriptor is not reported: %q", said)
	}
}

func TestLeakedMemoryIsFound(t *testing.T) {
	var kept [][]byte
	keep := func(bytes int) func() {
		return func() {
			for range bytes >> 16 {
				kept = append(kept, make([]byte, 1<<16))
			}
		}
	}
	if said := run(time.Second, keep(heapRoom/4)); said != "" {
		t.Errorf("memory that caches may take is blamed: %s", said)
	}
	if said := run(0, keep(2*heapRoom)); !strings.Contains(said, "on the heap") {
		t.Errorf("memory that stays is not reported: %q", said)
	}
	kept = nil
	if said := run(time.Second, func() { keep(2 * heapRoom)(); kept = nil }); said != "" {
		t.Errorf("garbage is blamed: %s", said)
	}
	runtime.KeepAlive(kept)
}

// What others know of is asked when a check begins and when it ends.
func TestChecksOfOthersAreAsked(t *testing.T) {
	defer func(before []func() func() []string) { also = before }(also)
	began := false
	Also(func() func() []string {
		began = true
		return func() []string { return []string{"a lock is held"} }
	})
	if said := run(0, func() {}); !began || !strings.Contains(said, "a lock is held") {
		t.Errorf("began is %v, and it says %q", began, said)
	}
}

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

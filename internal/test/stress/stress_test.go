// SPDX-License-Identifier: MIT

// Package stress_test attacks sockets at random, each test in one way, and looks at what must hold whatever happens: no
// panic, no deadlock, no leak, no message in nobody's figures.
//
// A test runs for a moment; with SPRY_LONG set it runs for 10 minutes, or for as long as SPRY_STRESS_TIME says. A failure
// names its seed, which SPRY_STRESS_SEED repeats, as far as the scheduler lets it.
package stress_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

// role is the environment variable that makes this test binary a child process that plays a part.
const role = "SPRY_STRESS_ROLE"

// children are the parts that child processes play.
var children = map[string]func() error{}

func TestMain(m *testing.M) {
	if part := os.Getenv(role); part != "" {
		if err := children[part](); err != nil {
			fmt.Fprintln(os.Stderr, part+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child returns a command that plays a part, with more of an environment.
func child(t *testing.T, part string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	testkit.Check(t, err)
	c := exec.Command(self)
	c.Env = append(append(os.Environ(), role+"="+part), env...)
	c.Stderr = os.Stderr
	return c
}

// duration is how long a test goes on.
func duration(t *testing.T) time.Duration {
	t.Helper()
	if s := os.Getenv("SPRY_STRESS_TIME"); s != "" {
		d, err := time.ParseDuration(s)
		testkit.Check(t, err)
		return d
	}
	if os.Getenv("SPRY_LONG") != "" {
		return 10 * time.Minute
	}
	return time.Second
}

// rounds yields a source of random numbers for each round, until the time of the test is over. There is at least one round.
func rounds(t *testing.T) func(yield func(int, *rand.Rand) bool) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SPRY_STRESS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		testkit.Check(t, err)
		seed = n
	}
	end := time.Now().Add(duration(t))
	return func(yield func(int, *rand.Rand) bool) {
		n := 0
		for ; n == 0 || time.Now().Before(end) && !t.Failed(); n++ {
			if !yield(n, rand.New(rand.NewPCG(seed, uint64(n)))) {
				break
			}
		}
		t.Logf("%d rounds with seed %d", n, seed)
	}
}

// within fails the test, with all stacks, if f does not return.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(testkit.Patience):
		stacks := make([]byte, 1<<20)
		t.Fatalf("%s does not return:\n%s", what, stacks[:runtime.Stack(stacks, true)])
	}
}

// schemes are the ones that pairs of sockets are joined over.
var schemes = []string{"inproc", "tcp", "ipc", "zmtp+tcp", "zmtp+ipc"}

// fresh returns a URL to listen on.
func fresh(dir, scheme string, n int) string {
	switch scheme {
	case "inproc":
		return fmt.Sprintf("inproc://stress-%s-%d", filepath.Base(dir), n)
	case "ipc", "zmtp+ipc":
		return fmt.Sprintf("%s://%s", scheme, filepath.Join(dir, strconv.Itoa(n)))
	}
	return scheme + "://127.0.0.1:0"
}

// quick makes dialers try again at once.
var quick = spry.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond}

// SPDX-License-Identifier: MIT

package fd

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// systemd sets the variables as systemd does for this process.
func systemd(t *testing.T, count, names string) {
	t.Helper()
	t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	t.Setenv("LISTEN_FDS", count)
	t.Setenv("LISTEN_FDNAMES", names)
}

func TestNames(t *testing.T) {
	systemd(t, "4", "web:jobs:jobs:")
	if n, err := named("web"); n != 3 || err != nil {
		t.Errorf("web is descriptor %d, %v", n, err)
	}
	says(t, "jobs", "fd://4 and fd://5")
	says(t, "feed", `3 ("web"), 4 ("jobs"), 5 ("jobs"), 6 ("")`)
	if got, want := Passed(), []string{"fd://3", "fd://4", "fd://5", "fd://6"}; !slices.Equal(got, want) {
		t.Errorf("passed are %q, want %q", got, want)
	}
}

func TestNoNames(t *testing.T) {
	if err := os.Unsetenv("LISTEN_FDS"); err != nil {
		t.Fatal(err)
	}
	says(t, "web", "LISTEN_FDS is not set")
	if got := Passed(); got != nil {
		t.Errorf("passed are %q", got)
	}
	systemd(t, "0", "")
	says(t, "web", "there are none")
	if got := Passed(); got != nil {
		t.Errorf("passed are %q", got)
	}
	for _, count := range []string{"", "-1", "one", "1048577", "18446744073709551616", strings.Repeat("9", 1000)} {
		systemd(t, count, "web")
		says(t, "web", "not a number of descriptors")
	}
	systemd(t, "1", "web")
	t.Setenv("LISTEN_PID", "1")
	says(t, "web", `process "1"`, "exec")
	if got := Passed(); got != nil {
		t.Errorf("a child has %q", got)
	}
}

// Many names make no long error.
func TestErrorsAreShort(t *testing.T) {
	systemd(t, "1000", strings.Repeat(strings.Repeat("n", 200)+":", 1000))
	says(t, "web", "992 more")
	if _, err := named("web"); len(err.Error()) > 1000 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

func says(t *testing.T, name string, words ...string) {
	t.Helper()
	n, err := named(name)
	if err == nil {
		t.Errorf("%s is descriptor %d", name, n)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", fmt.Sprint(err), w)
		}
	}
}

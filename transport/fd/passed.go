// SPDX-License-Identifier: MIT

package fd

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Passed returns a URL for each socket that systemd has passed to this process: fd://3, fd://4 and so on, in the order of the
// socket units' ListenStream= lines. It returns nil if there are none.
func Passed() []string {
	passed, err := fromSystemd()
	if err != nil {
		return nil
	}
	var urls []string
	for i := range passed {
		urls = append(urls, "fd://"+strconv.Itoa(firstPassed+i))
	}
	return urls
}

// firstPassed is the first descriptor that systemd passes: SD_LISTEN_FDS_START.
const firstPassed = 3

// maxPassed is the most descriptors that LISTEN_FDS may announce. Systems allow a process fewer by default.
const maxPassed = 1 << 20

// fromSystemd returns the names of the descriptors from firstPassed on. Those without a name are empty.
func fromSystemd() ([]string, error) {
	count, ok := os.LookupEnv("LISTEN_FDS")
	if !ok {
		return nil, errors.New("no socket has a name, because LISTEN_FDS is not set; " +
			"start the program by a socket unit of systemd, or write a number, as in fd://3")
	}
	n, err := strconv.ParseUint(count, 10, 32)
	if err != nil || n > maxPassed {
		return nil, fmt.Errorf("the environment variable LISTEN_FDS is %.20q and not a number of descriptors", count)
	}
	if pid := os.Getenv("LISTEN_PID"); pid != strconv.Itoa(os.Getpid()) {
		return nil, fmt.Errorf("the named sockets are those of process %.20q, by LISTEN_PID, and this is process %d; "+
			"a script between systemd and the program has to start it with exec", pid, os.Getpid())
	}
	names := make([]string, n)
	copy(names, strings.Split(os.Getenv("LISTEN_FDNAMES"), ":"))
	return names, nil
}

// named finds the descriptor of a name.
func named(name string) (int, error) {
	names, err := fromSystemd()
	if err != nil {
		return 0, err
	}
	at := slices.Index(names, name)
	if at < 0 {
		return 0, fmt.Errorf("no socket of that name has been passed; there are %s", list(names))
	}
	if next := slices.Index(names[at+1:], name); next >= 0 {
		return 0, fmt.Errorf("several sockets have that name; write the number, as in fd://%d and fd://%d", firstPassed+at, firstPassed+at+1+next)
	}
	return firstPassed + at, nil
}

// list shows names in an error.
func list(names []string) string {
	const most = 8
	var shown []string
	for i, name := range names[:min(len(names), most)] {
		shown = append(shown, fmt.Sprintf("%d (%.40q)", firstPassed+i, name))
	}
	if len(names) > most {
		shown = append(shown, fmt.Sprintf("%d more", len(names)-most))
	}
	if len(shown) == 0 {
		return "none"
	}
	return strings.Join(shown, ", ")
}

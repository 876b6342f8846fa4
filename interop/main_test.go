// SPDX-License-Identifier: MIT

package interop_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

var (
	matrixFile = flag.String("matrix", os.Getenv("SPRY_INTEROP_TABLE"),
		"write the interoperability table to this `file`, in Markdown")

	builder *peer.Builder // of C peers and the spry command
	scratch string        // a folder with a short name, for ipc sockets and files, removed at the end
	results table
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	var err error
	if scratch, err = os.MkdirTemp("", "spry"); err != nil {
		return complain(err)
	}
	defer os.RemoveAll(scratch)
	bin := filepath.Join(scratch, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return complain(err)
	}
	builder = peer.NewBuilder("c", bin)
	if err := waitRatherThanCompute(); err != nil {
		return complain(err)
	}

	code = m.Run()

	if err := results.report(*matrixFile); err != nil {
		return complain(err)
	}
	announceMissing()
	return code
}

// waitRatherThanCompute raises the number of parallel tests, unless it was chosen: these tests mostly wait for other
// processes, so the number of processors is a poor guide.
func waitRatherThanCompute() error {
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if chosen {
		return nil
	}
	return flag.Set("test.parallel", "12")
}

// announceMissing tells of missing peers on the terminal as well, because "go test" hides what a passing package
// prints.
func announceMissing() {
	peer.Summary(os.Stderr)
	if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		peer.Summary(tty)
		_ = tty.Close() // nothing to be done about a terminal
	}
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "interop:", err)
	return 1
}

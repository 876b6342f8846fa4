// SPDX-License-Identifier: MIT

// Package kit has helpers of the interoperability tests: addresses and sockets at either end of them, C peers, and the table
// of results.
package kit

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

// CommandFolder holds the module of the spry command.
const CommandFolder = "../../cmd/spry"

// The folders of the peers' sources.
const (
	PythonFolder = "../python"
	NodeFolder   = "../node"
	cFolder      = "../c"
)

var tableFolder = flag.String("matrix", os.Getenv("SPRY_INTEROP_TABLE"),
	"write the interoperability table of the package to this `folder`, in Markdown")

// What the tests of a package share.
var (
	Builder *peer.Builder // of C peers and the spry command
	Scratch string        // a folder with a short name, for ipc sockets and files, removed at the end
	Results Table
)

// Main runs the tests of a package, and ends the process.
func Main(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	var err error
	if Scratch, err = os.MkdirTemp("", "spry"); err != nil {
		return complain(err)
	}
	defer func() { _ = os.RemoveAll(Scratch) }()
	bin := filepath.Join(Scratch, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return complain(err)
	}
	Builder = peer.NewBuilder(cFolder, bin)
	if err := waitRatherThanCompute(); err != nil {
		return complain(err)
	}

	code = m.Run()

	peer.Summary(os.Stderr)
	if err := Results.report(*tableFolder); err != nil {
		return complain(err)
	}
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
	return flag.Set("test.parallel", "8")
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "interop:", err)
	return 1
}

// SPDX-License-Identifier: MIT

package ipc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/transporttest"
)

// tempPath is a path for a socket. The directory's name is short, because a socket's path has to be.
func tempPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ipc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

var malformed = []string{
	"ipc://",
	"ipc://@name",
	"ipc:///tmp/" + strings.Repeat("x", 200),
	"unix://",
	"abstract://",
	"abstract://100%",
	"abstract://" + strings.Repeat("x", 108),
}

func TestTransport(t *testing.T) {
	transporttest.Run(t, ipc.Transport{}, transporttest.Options{
		URL:       func(t *testing.T) string { return "ipc://" + tempPath(t) },
		Malformed: malformed,
	})
}

func TestTransportUnix(t *testing.T) {
	transporttest.Run(t, ipc.Transport{}, transporttest.Options{
		URL:       func(t *testing.T) string { return "unix://" + tempPath(t) },
		Malformed: malformed,
	})
}

var names atomic.Uint64

func abstractURL(*testing.T) string {
	return fmt.Sprintf("abstract://spry-test%%00%d-%d", os.Getpid(), names.Add(1))
}

func TestTransportAbstract(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has abstract sockets")
	}
	transporttest.Run(t, ipc.Transport{}, transporttest.Options{URL: abstractURL, Malformed: malformed})
}

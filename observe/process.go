// SPDX-License-Identifier: MIT

package observe

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"time"
)

// A Process is the process of a Report. It has neither arguments nor environment, which may be secret.
type Process struct {
	Name       string    `json:"name"` // base name of the program
	PID        int       `json:"pid"`
	Host       string    `json:"host"` // name of the machine, as it has it
	OS         string    `json:"os"`   // as "linux"
	Arch       string    `json:"arch"` // as "amd64"
	Go         string    `json:"go"`   // version of Go, as "go1.26.0"
	Spry       string    `json:"spry"` // version of Spry, or "(devel)"
	Started    time.Time `json:"started,omitzero"`
	Goroutines int       `json:"goroutines"`
	HeapBytes  uint64    `json:"heap_bytes"` // of objects, those that are no longer in use included
	MaxProcs   int       `json:"max_procs"`  // processors that Go uses at one time
}

var started = time.Now() // when the program was initialized

// constant is what of a Process does not change.
var constant = sync.OnceValue(func() Process {
	host, _ := os.Hostname() // a machine without a name is one too
	p := Process{PID: os.Getpid(), Host: host, OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(), Spry: version(), Started: started}
	if len(os.Args) > 0 {
		p.Name = strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	}
	return p
})

func version() string {
	const module = "github.com/sprymq/spry"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != module {
		for _, m := range info.Deps {
			if m.Path == module {
				return m.Version
			}
		}
	}
	return "(devel)"
}

func takeProcess() Process {
	p := constant()
	p.Goroutines = runtime.NumGoroutine()
	p.MaxProcs = runtime.GOMAXPROCS(0)
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	if heap[0].Value.Kind() == metrics.KindUint64 {
		p.HeapBytes = heap[0].Value.Uint64()
	}
	return p
}

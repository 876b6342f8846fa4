// SPDX-License-Identifier: MIT

package peer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A Builder compiles C peers, and the spry command, once per run.
type Builder struct {
	sources string // folder of the C files
	bin     string // folder of the programs

	mu    sync.Mutex
	built map[string]*program
}

type program struct {
	once sync.Once
	path string
	err  error
}

// errNotInstalled marks a peer that cannot be built because something is missing, rather than wrong.
var errNotInstalled = errors.New("not installed")

// NewBuilder returns a builder that reads C files in sources and writes programs to bin.
func NewBuilder(sources, bin string) *Builder {
	return &Builder{sources: sources, bin: bin, built: map[string]*program{}}
}

// C returns the path of the C peer of this name. The name's first part is the library: nng_recv is linked with libnng,
// nn_recv with libnanomsg, zmq_recv with libzmq, czmq_cert with libczmq too. Without a compiler or library the test is
// skipped as by [Find]; C code that does not compile without warnings fails it.
func (b *Builder) C(t testing.TB, name string) string {
	t.Helper()
	library, debianPackage, header := "nng", "libnng-dev", "nng/nng.h"
	switch {
	case strings.HasPrefix(name, "nn_"):
		library, debianPackage, header = "nanomsg", "libnanomsg-dev", "nanomsg/nn.h"
	case strings.HasPrefix(name, "zmq_"):
		library, debianPackage, header = "zmq", "libzmq3-dev", "zmq.h"
	case strings.HasPrefix(name, "czmq_"):
		library, debianPackage, header = "czmq", "libczmq-dev", "czmq.h"
	}
	path, err := b.once(name, func(path string) error {
		compiler, err := exec.LookPath("gcc")
		if err != nil {
			return fmt.Errorf("%w: gcc", errNotInstalled)
		}
		probe := exec.Command(compiler, "-fsyntax-only", "-include", header, "-x", "c", os.DevNull)
		if out, err := probe.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: <%s>: %s", errNotInstalled, header, out)
		}
		return compileC(compiler, filepath.Join(b.sources, name+".c"), library, path)
	})
	switch {
	case errors.Is(err, errNotInstalled):
		t.Logf("%s: %v", name, err)
		missing(t, "lib"+library+" with a C compiler", "install Debian's gcc and "+debianPackage)
	case err != nil:
		t.Fatalf("compile %s: %v", name, err)
	}
	return path
}

// compileC compiles a C file. A program is kept for other runs, by its text with all headers.
func compileC(compiler, source, library, path string) error {
	flags := []string{"-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"}
	build := func(to string) error {
		return run(exec.Command(compiler, append(flags, "-o", to, source, "-l"+library)...))
	}
	text, err := exec.Command(compiler, append(flags, "-E", source)...).Output()
	if err != nil {
		return build(path) // which says what is wrong
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return build(path)
	}
	sum := sha256.Sum256(fmt.Appendf(text, "%q %s", flags, library))
	kept := filepath.Join(base, "spry-interop", hex.EncodeToString(sum[:16]))
	if _, err := os.Stat(kept); err != nil {
		if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
			return err
		}
		unfinished := fmt.Sprintf("%s.%d", kept, os.Getpid()) // another package may be building the same
		if err := build(unfinished); err != nil {
			return err
		}
		if err := os.Rename(unfinished, kept); err != nil {
			return err
		}
	}
	return os.Symlink(kept, path)
}

// Command returns the path of the spry command, built from the module in folder.
func (b *Builder) Command(t testing.TB, folder string) string {
	t.Helper()
	path, err := b.once("spry", func(path string) error {
		// "go run" keeps programs in the build cache, where "go build" links them anew for each package of tests.
		return run(exec.Command("go", "run", "-C", folder, "-exec", "cp", ".", path))
	})
	if err != nil {
		t.Fatalf("build the spry command: %v", err)
	}
	return path
}

// once makes a program if this run has not done so yet.
func (b *Builder) once(name string, compile func(path string) error) (string, error) {
	b.mu.Lock()
	p := b.built[name]
	if p == nil {
		p = &program{path: filepath.Join(b.bin, name)}
		b.built[name] = p
	}
	b.mu.Unlock()
	p.once.Do(func() { p.err = compile(p.path) })
	return p.path, p.err
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

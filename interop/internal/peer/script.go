// SPDX-License-Identifier: MIT

package peer

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// pythons holds, by module, the interpreter that has it, or "".
var pythons = struct {
	sync.Mutex
	by map[string]string
}{by: map[string]string{}}

// Python starts a Python interpreter that has the module, with these arguments; the first is a program.
func Python(t testing.TB, module, debianPackage string, args ...string) *Process {
	t.Helper()
	return Start(t, FindPython(t, module, debianPackage), args...)
}

// FindPython returns the path of a Python interpreter that has the module. Without one the test is skipped as by [Find].
func FindPython(t testing.TB, module, debianPackage string) string {
	t.Helper()
	python := pythonWith(module)
	if python == "" {
		missing(t, "Python's module "+module, "install Debian's "+debianPackage)
	}
	return python
}

// pythonWith tries Debian's own interpreter first, because no other sees its modules.
func pythonWith(module string) string {
	pythons.Lock()
	defer pythons.Unlock()
	found, known := pythons.by[module]
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if !known && exec.Command(python, "-c", "import "+module).Run() == nil {
			found, known = python, true
		}
	}
	pythons.by[module] = found
	return found
}

// NodeModules returns a folder with the npm packages that the lock file of another folder names. Without Node.js the test is
// skipped as by [Find].
func (b *Builder) NodeModules(t testing.TB, folder string) string {
	t.Helper()
	modules, err := b.once("node-"+filepath.Base(folder), func(path string) error { return install(folder, path) })
	switch {
	case errors.Is(err, errNotInstalled):
		missing(t, "Node.js", "install nodejs and npm")
	case err != nil:
		t.Fatalf("install the npm packages of %s: %v", folder, err)
	}
	return modules
}

// install puts npm packages into a folder of their own, because there is no place for them among sources. Nothing of
// theirs is run for that.
func install(folder, into string) error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: %s", errNotInstalled, program)
		}
	}
	if err := os.Mkdir(into, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(into, name), content, 0o600); err != nil {
			return err
		}
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
	npm.Dir = into
	return run(npm)
}

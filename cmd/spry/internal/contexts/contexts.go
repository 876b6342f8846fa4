// SPDX-License-Identifier: MIT

// Package contexts keeps named sets of flags in files of the user's, for the verb context.
package contexts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/sprymq/spry/cmd/spry/internal/settings"
)

// A Context is a named set of flags.
type Context struct {
	Name     string
	Path     string             // of its file
	Settings []settings.Setting // by the names of the flags
}

// ErrNone is the error for a name of no context.
var ErrNone = errors.New("there is no such context")

const extension = ".toml"

// Folder is where the files are.
func Folder() (string, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(config, "spry", "contexts"), nil
}

// selection is the file with the name of the selected context.
func selection() (string, error) {
	folder, err := Folder()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(folder), "context"), nil
}

var goodName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$`)

// path is the file of a context. A name that could be that of another file is refused.
func path(name string) (string, error) {
	if !goodName.MatchString(name) {
		return "", fmt.Errorf("%.80q is no name of a context: use up to 64 letters, digits, dots, hyphens and underscores, and begin with none of dot and hyphen", name)
	}
	folder, err := Folder()
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, name+extension), nil
}

// Load reads a context, and checks each of its settings. The error has all mistakes, each with the file and its line.
func Load(name string, check func(settings.Setting) error) (*Context, error) {
	file, err := path(name)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrNone)
	}
	if err != nil {
		return nil, err
	}
	tables, errs := settings.Parse(text)
	for _, s := range tables[0].Settings {
		if err := check(s); err != nil {
			errs = append(errs, &settings.Error{Line: s.Line, Err: err})
		}
	}
	for _, t := range tables[1:] {
		errs = append(errs, &settings.Error{Line: t.Line, Err: fmt.Errorf("[%s]: a context has no tables", t.Name)})
	}
	if len(errs) > 0 {
		return nil, At(file, errs...)
	}
	return &Context{Name: name, Path: file, Settings: tables[0].Settings}, nil
}

// At names a file in errors about its lines.
func At(file string, errs ...error) error {
	var all []error
	for _, err := range errs {
		all = append(all, fmt.Errorf("%s:%w", file, err))
	}
	return errors.Join(all...)
}

// Open reports whether others than the user can read the file.
func (c *Context) Open() bool {
	info, err := os.Stat(c.Path)
	return err == nil && runtime.GOOS != "windows" && info.Mode()&0o077 != 0
}

// Save writes a context, of texts, booleans and lists of texts by the names of flags. Unless it may replace one, its name must be new.
func Save(name string, values map[string]any, replace bool) error {
	file, err := path(name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil && !replace {
		return fmt.Errorf("there is a context %s already; --force replaces it", name)
	}
	text, err := toml.Marshal(values)
	if err != nil {
		return err
	}
	return write(file, text)
}

// write replaces a file as a whole, readable by this user only.
func write(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".new-*") // with permissions 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		_ = os.Remove(temporary.Name()) // it may be gone
	}
	return err
}

// Names lists the contexts, sorted.
func Names() ([]string, error) {
	folder, err := Folder()
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), extension); ok && goodName.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Remove removes a context, and its selection.
func Remove(name string) error {
	file, err := path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", name, ErrNone)
	} else if err != nil {
		return err
	}
	if selected, err := Selected(); err != nil || selected != name {
		return err
	}
	return Select("")
}

// Selected is the name of the selected context, or "".
func Selected() (string, error) {
	file, err := selection()
	if err != nil {
		return "", nil // a process without a home, such as a service, has none
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// Select selects a context, or none with "".
func Select(name string) error {
	file, err := selection()
	if err != nil {
		return err
	}
	if name == "" {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	from, err := path(name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(from); err != nil {
		return fmt.Errorf("%s: %w", name, ErrNone)
	}
	return write(file, []byte(name+"\n"))
}

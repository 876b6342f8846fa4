// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// platforms are those that the command is built for.
var platforms = []platform{
	{"linux", "amd64"},
	{"linux", "arm64"},
	{"darwin", "amd64"},
	{"darwin", "arm64"},
	{"windows", "amd64"},
	{"windows", "arm64"},
	{"freebsd", "amd64"},
	{"freebsd", "arm64"},
}

// A platform is an operating system and a processor, by Go's names.
type platform struct{ system, processor string }

// choosePlatforms returns the platforms called by names such as linux/arm64, or all.
func choosePlatforms(names []string) ([]platform, error) {
	if len(names) == 0 {
		return platforms, nil
	}
	var chosen []platform
	for _, name := range names {
		system, processor, _ := strings.Cut(name, "/")
		if p := (platform{system, processor}); slices.Contains(platforms, p) {
			chosen = append(chosen, p)
		} else {
			return nil, fmt.Errorf("the command is not distributed for %q", name)
		}
	}
	return chosen, nil
}

// A distribution is the files of one release. The same commit gives the same bytes: the command is built from the modules as the
// proxy serves them, and all times are that of the commit.
type distribution struct {
	folder  string
	version string // without v
	at      time.Time
	docs    []file // what every archive has beside the command
	names   []string
}

// A file is one of an archive.
type file struct {
	name string // with slashes
	data []byte
	mode os.FileMode
}

// distribute writes the files of a release to folder, for the named platforms or for all.
func distribute(ctx context.Context, w *workspace, folder string, names []string, log io.Writer) (err error) {
	chosen, err := choosePlatforms(names)
	if err != nil {
		return err
	}
	if err := w.committed(ctx); err != nil {
		return err
	}
	u, err := newUser(ctx, w, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.leave()) }()
	d := &distribution{folder: folder, version: strings.TrimPrefix(w.version, "v")}
	if d.at, err = w.commitTime(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	own, err := u.install(ctx, w, platform{runtime.GOOS, runtime.GOARCH})
	if err != nil {
		return err
	}
	if err := d.document(ctx, w, u, own); err != nil {
		return err
	}
	for _, p := range chosen {
		command, err := u.install(ctx, w, p)
		if err != nil {
			return err
		}
		if err := d.pack(ctx, p, command); err != nil {
			return fmt.Errorf("%s/%s: %w", p.system, p.processor, err)
		}
	}
	if err := d.keep("image/ca-certificates.crt", trustedRoots(), 0o644); err != nil { // for Containerfile
		return err
	}
	return d.writeSums()
}

// document collects the manual pages, the completions, and the texts of the repository.
func (d *distribution) document(ctx context.Context, w *workspace, u *user, command string) error {
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		data, err := os.ReadFile(filepath.Join(w.folder, name))
		if err != nil {
			return err
		}
		d.docs = append(d.docs, file{name, data, 0o644})
	}
	for _, c := range completions {
		out, err := u.run(ctx, ".", command, "completion", c.shell)
		if err != nil {
			return err
		}
		d.docs = append(d.docs, file{"completions/" + c.name, []byte(out), 0o644})
	}
	if _, err := u.run(ctx, ".", command, "man", u.path("man")); err != nil {
		return err
	}
	pages, err := os.ReadDir(u.path("man"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		data, err := os.ReadFile(u.path("man", page.Name()))
		if err != nil {
			return err
		}
		d.docs = append(d.docs, file{"man/" + page.Name(), data, 0o644})
	}
	return nil
}

// completions are the scripts of the shells, by the names that the shells look for, and where Debian has them.
var completions = []struct{ shell, name, debian string }{
	{"bash", "spry.bash", "/usr/share/bash-completion/completions/spry"},
	{"zsh", "_spry", "/usr/share/zsh/vendor-completions/_spry"},
	{"fish", "spry.fish", "/usr/share/fish/vendor_completions.d/spry.fish"},
	{"powershell", "spry.ps1", ""},
}

// pack writes what there is for one platform.
func (d *distribution) pack(ctx context.Context, p platform, command string) error {
	data, err := os.ReadFile(command)
	if err != nil {
		return err
	}
	binary := file{filepath.Base(command), data, 0o755}
	base := fmt.Sprintf("spry_%s_%s_%s", d.version, p.system, p.processor)
	var archive bytes.Buffer
	write, extension := writeTar, ".tar.gz"
	if p.system == "windows" {
		write, extension = writeZip, ".zip"
	}
	if err := write(&archive, base, append([]file{binary}, d.docs...), d.at); err != nil {
		return err
	}
	if err := d.add(base+extension, archive.Bytes()); err != nil {
		return err
	}
	materials, err := billOfMaterials(ctx, command, "v"+d.version)
	if err != nil {
		return err
	}
	if err := d.add(base+".cdx.json", materials); err != nil || p.system != "linux" {
		return err
	}
	var deb bytes.Buffer
	if err := writeDeb(&deb, d, p, binary); err != nil {
		return err
	}
	if err := d.add(fmt.Sprintf("spry_%s_%s.deb", d.version, p.processor), deb.Bytes()); err != nil {
		return err
	}
	return d.keep("image/"+p.processor+"/spry", data, 0o755) // for Containerfile
}

// add writes a file of the release, which the checksums name.
func (d *distribution) add(name string, data []byte) error {
	d.names = append(d.names, name)
	return d.keep(name, data, 0o644)
}

func (d *distribution) keep(name string, data []byte, mode os.FileMode) error {
	name = filepath.Join(d.folder, name)
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, data, mode), os.Chmod(name, mode)) // whatever the umask
}

// writeSums writes SHA256SUMS, which sha256sum -c reads.
func (d *distribution) writeSums() error {
	var sums strings.Builder
	slices.Sort(d.names)
	for _, name := range d.names {
		data, err := os.ReadFile(filepath.Join(d.folder, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), name)
	}
	return d.keep("SHA256SUMS", []byte(sums.String()), 0o644)
}

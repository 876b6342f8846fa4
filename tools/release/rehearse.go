// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A user has Go, an empty module cache, and a module proxy that serves the workspace's modules.
type user struct {
	home string
	env  []string
	log  io.Writer
}

// newUser makes one in a temporary folder, which Leave removes.
func newUser(ctx context.Context, w *workspace, log io.Writer) (*user, error) {
	home, err := os.MkdirTemp("", "release")
	if err != nil {
		return nil, err
	}
	u := &user{home: home, log: log}
	if err := w.writeProxy(ctx, u.path("proxy")); err != nil {
		return nil, errors.Join(err, u.leave())
	}
	proxies, err := u.proxies(ctx)
	if err != nil {
		return nil, errors.Join(err, u.leave())
	}
	u.env = append(os.Environ(),
		"GOPATH="+u.path("go"), "GOMODCACHE="+u.path("go", "pkg", "mod"), "GOWORK=off", "GOFLAGS=-modcacherw -trimpath",
		"GOPROXY="+strings.Join(proxies, ","), "GONOSUMDB="+w.root+","+w.root+"/*", "CGO_ENABLED=0")
	if w.cache != "" {
		u.env = append(u.env, "GOCACHE="+w.cache)
	}
	return u, nil
}

// proxies are where modules come from: the workspace's from the new proxy, others from this machine's module cache, if they are
// there, or else from where this machine has them from.
func (u *user) proxies(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	cache, proxy, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return []string{"file://" + u.path("proxy"), "file://" + filepath.Join(cache, "cache", "download"), proxy}, nil
}

func (u *user) path(names ...string) string {
	return filepath.Join(append([]string{u.home}, names...)...)
}

func (u *user) leave() error { return os.RemoveAll(u.home) }

// run runs a command in a folder of the user's home, prints it with the time that it took, and returns what it printed.
func (u *user) run(ctx context.Context, folder string, name string, args ...string) (string, error) {
	dir := u.path(folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	began := time.Now()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, u.env
	out, err := c.CombinedOutput()
	fmt.Fprintf(u.log, "%s %s (%v)\n", filepath.Base(name), strings.Join(args, " "), time.Since(began).Round(time.Millisecond))
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// rehearse does with the modules what README.md says: it runs the install lines as they are written, README's program, and the line
// by which the installed command sends to it.
func rehearse(ctx context.Context, w *workspace, log io.Writer) (err error) {
	readme, err := os.ReadFile(filepath.Join(w.folder, "README.md"))
	if err != nil {
		return err
	}
	program, lines, sender, err := w.installation(string(readme))
	if err != nil {
		return fmt.Errorf("README.md: %w", err)
	}
	u, err := newUser(ctx, w, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, u.leave()) }()
	if err := os.MkdirAll(u.path("hello"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(u.path("hello", "main.go"), []byte(program), 0o644); err != nil {
		return err
	}
	for _, line := range slices.Concat([]string{"go mod init hello"}, lines, []string{"go build ."}) {
		words := strings.Fields(line)
		out, err := u.run(ctx, "hello", words[0], words[1:]...)
		if err != nil {
			return err
		}
		fmt.Fprint(log, out)
	}
	if err := u.send(ctx, sender); err != nil {
		return err
	}
	out, err := u.run(ctx, ".", u.path("go", "bin", "spry"), "version")
	if err != nil {
		return err
	}
	fmt.Fprint(log, out)
	if !strings.Contains(out, " "+w.version+" ") {
		return fmt.Errorf("spry version prints %q, without %s", out, w.version)
	}
	return nil
}

// send starts README's program, sends to it with the command, and waits until it has printed the message.
func (u *user) send(ctx context.Context, sender string) (err error) {
	receiver := exec.CommandContext(ctx, u.path("hello", "hello"))
	printed, err := receiver.StderrPipe()
	if err != nil {
		return err
	}
	if err := receiver.Start(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, receiver.Process.Kill())
		_ = receiver.Wait() // which says that it was killed
	}()
	out, err := u.run(ctx, ".", "env", "PATH="+u.path("go", "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"), "sh", "-c", sender)
	if err != nil {
		return err
	}
	fmt.Fprint(u.log, out)
	line, err := bufio.NewReader(printed).ReadString('\n')
	if err != nil {
		return fmt.Errorf("README's program ended: %w", err)
	}
	fmt.Fprint(u.log, line)
	return nil
}

var (
	programBlock = regexp.MustCompile("(?s)\n```go\n(package main\n.*?)```")
	shellBlock   = regexp.MustCompile("(?s)\n```sh\n(.*?)```")
)

// installation finds the first whole program of a Markdown file, and in its blocks of shell the lines by which the go command
// installs something, and the first one by which the command sends. The library and the command must be among what is installed.
func (w *workspace) installation(markdown string) (program string, lines []string, sender string, err error) {
	m := programBlock.FindStringSubmatch(markdown)
	if m == nil {
		return "", nil, "", errors.New("no program")
	}
	for _, block := range shellBlock.FindAllStringSubmatch(markdown, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, " #")
			line = strings.Join(strings.Fields(line), " ")
			switch {
			case strings.HasPrefix(line, "go get "), strings.HasPrefix(line, "go install "):
				lines = append(lines, line)
			case sender == "" && strings.HasPrefix(line, "spry push "):
				sender = line
			}
		}
	}
	for _, want := range []string{"go get " + w.root, "go install " + w.root + "/cmd/spry"} {
		installs := func(line string) bool { line, _, _ = strings.Cut(line, "@"); return line == want }
		if !slices.ContainsFunc(lines, installs) {
			return "", nil, "", fmt.Errorf("no block of sh has %q", want)
		}
	}
	if sender == "" {
		return "", nil, "", errors.New("no line of spry push")
	}
	return m[1], lines, sender, nil
}

// install installs the command for a platform as users do whose Go has its default settings, and returns the name of its file.
func (u *user) install(ctx context.Context, w *workspace, p platform) (string, error) {
	if _, err := u.run(ctx, ".", "env", "GOOS="+p.system, "GOARCH="+p.processor, "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off",
		"go", "install", "-ldflags=-s -w", w.root+"/cmd/spry@"+w.version); err != nil {
		return "", err
	}
	name := []string{"go", "bin"}
	if p != (platform{runtime.GOOS, runtime.GOARCH}) {
		name = append(name, p.system+"_"+p.processor)
	}
	base := "spry"
	if p.system == "windows" {
		base = "spry.exe"
	}
	return u.path(append(name, base)...), nil
}

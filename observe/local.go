// SPDX-License-Identifier: MIT

package observe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/scope"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
)

// ServeLocal serves [Handler] to other programs of the same user on the same machine until ctx ends, so that the command and the dashboard
// find the process by themselves: see [Local]. It returns nil when ctx has ended and no request is served any more. o may be nil.
//
//	go func() { log.Print(observe.ServeLocal(ctx, nil)) }()
//
// The file is a socket of mode 0600 in the folder $XDG_RUNTIME_DIR/spry. Without that variable the folder is spry-UID in the system's folder
// for temporary files. The folder has mode 0700. One that belongs to another user, or that others can write, is an error. On Windows, which
// has these sockets since Windows 10, the permissions of the user's own folder for temporary files protect it.
//
// A process can serve so once at a time.
func ServeLocal(ctx context.Context, o *Options) error {
	dir := localDir()
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := ownDir(dir); err != nil {
		return err
	}
	l, err := ipc.Transport{}.Listen(ctx, transport.URL{Scheme: "unix", Address: filepath.Join(dir, localName())}, transport.ListenOptions{Permissions: localMode})
	if err != nil {
		return err
	}
	s := &http.Server{
		Handler: Handler(o), BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: localTimeout, IdleTimeout: 10 * localTimeout, MaxHeaderBytes: 16 << 10,
	}
	stop := scope.Watch(ctx, func() {
		closing, cancel := context.WithTimeout(context.Background(), localTimeout)
		defer cancel()
		if s.Shutdown(closing) != nil {
			_ = s.Close()
		}
	})
	err = s.Serve(streams{l})
	if !stop() {
		return nil
	}
	_ = s.Close()
	return err
}

// localTimeout is the time in which a client sends its request, and in which requests end when the server does.
const localTimeout = 5 * time.Second

// localMode are the permissions of the socket. Windows has none.
var localMode = func() fs.FileMode {
	if runtime.GOOS == "windows" {
		return 0
	}
	return 0o600
}()

// localSuffix ends the names of the sockets.
const localSuffix = ".sock"

// localName is the name of this process's socket. Processes of several containers may share a folder, and have the same number.
func localName() string { return fmt.Sprintf("%d-%s%s", os.Getpid(), spry.Instance()[:8], localSuffix) }

func localDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "spry")
	}
	name := "spry"
	if uid := os.Getuid(); uid >= 0 {
		name += "-" + strconv.Itoa(uid)
	}
	return filepath.Join(os.TempDir(), name)
}

// ownDir returns an error if a folder is not only this user's: all users share the folder for temporary files.
func ownDir(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", dir)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others can write the folder %s: it must have mode 0700", dir)
	case !ownedBy(info, os.Getuid()):
		return fmt.Errorf("the folder %s belongs to another user", dir)
	}
	return nil
}

// streams is a listener of package ipc as one of package net.
type streams struct{ transport.Listener }

func (s streams) Accept() (net.Conn, error) {
	link, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return link.(*transport.Stream), nil // as all of ipc's
}

// Local returns the processes of this user on this machine that [ServeLocal] serves, in no particular order of time: URLs for
// [Node], as "unix:///run/user/1000/spry/4711-abcdefgh.sock". This process is among them. It removes the files of processes that have died.
func Local() []string {
	dir := localDir()
	if ownDir(dir) != nil {
		return nil // there is none, or it is not to be trusted
	}
	files, _ := os.ReadDir(dir) // what can be read of it
	var found []string
	for _, f := range files {
		path := filepath.Join(dir, f.Name())
		if f.Type() != fs.ModeSocket && runtime.GOOS != "windows" || !strings.HasSuffix(path, localSuffix) {
			continue
		}
		if listens(path) {
			found = append(found, unixScheme+filepath.ToSlash(path))
			continue
		}
		// A file without a listener may be about to get one.
		if info, err := f.Info(); err == nil && time.Since(info.ModTime()) > staleAge {
			_ = os.Remove(path) // another caller may have
		}
	}
	return found
}

// staleAge is the time after which a socket without a listener is one that a dead process left.
const staleAge = 10 * time.Second

// listens reports whether a process listens on a socket. One that has no time to accept does.
func listens(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), localTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil || !errors.Is(err, errConnRefused) && !errors.Is(err, fs.ErrNotExist)
}

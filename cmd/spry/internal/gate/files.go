// SPDX-License-Identifier: MIT

package gate

import (
	"io/fs"
	"net/http"
	"os"
	"strings"
)

// serveFiles returns a handler with the files of a folder, whose names begin after path. It serves no links out of the folder, no names
// that begin with a dot, and no lists of folders.
func serveFiles(path, folder string) (_ http.Handler, closeFiles func(), err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, nil, err
	}
	files := http.StripPrefix(strings.TrimSuffix(path, "/"), http.FileServerFS(shown{root.FS()}))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		files.ServeHTTP(w, r)
	})
	return h, func() { _ = root.Close() }, nil
}

// shown is a folder without what is hidden in it.
type shown struct{ fs.FS }

// Open implements [fs.FS].
func (s shown) Open(name string) (fs.File, error) {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") && part != "." {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
	}
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if entry, err := f.Stat(); err == nil && entry.IsDir() {
		if _, err := fs.Stat(s.FS, strings.TrimPrefix(name+"/index.html", "./")); err != nil {
			_ = f.Close()
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
	}
	return f, nil
}

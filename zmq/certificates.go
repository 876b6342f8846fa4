// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/internal/lock"
)

// AllowCertificates accepts, by CURVE, the peers whose public certificate is in a directory, one file for each. Files whose
// names begin with a dot or end with _secret, and directories, are skipped. A change of the directory applies from the next
// peer on. The user is the value of "name" in the certificate's metadata, or the key in Z85.
//
// While the directory cannot be read, every peer is refused. A file that cannot be read accepts no peer, and the errors of
// refused peers name it. Each check asks the file system about each file, which takes some microseconds a file; keep many
// thousands of keys elsewhere.
func AllowCertificates(directory string) Authenticator {
	d := &certificates{directory: directory}
	return func(_ context.Context, c Credentials) (string, error) {
		if c.Mechanism != mechanismCurve {
			return "", fmt.Errorf("%w: %s shows no key", ErrDenied, c.Mechanism)
		}
		users, broken, err := d.users()
		if err != nil {
			return "", err
		}
		user, allowed := users[c.PublicKey]
		if !allowed {
			return "", errors.Join(fmt.Errorf("%w: the key %v has no certificate in %s", ErrDenied, c.PublicKey, directory), broken)
		}
		return user, nil
	}
}

// certificates caches the certificates of a directory. Each check looks at the directory, and reads it again if it has
// changed.
type certificates struct {
	directory string

	mu      lock.Mutex[lock.Certificates]
	listing []certificateFile
	settled bool // nothing can have changed without the listing showing it
	known   map[PublicKey]string
	broken  error // of the files that could not be read
}

// A certificateFile is the state of a file in a directory.
type certificateFile struct {
	name    string
	size    int64
	changed time.Time
}

// clockTick is more than the resolution of the times of file systems.
const clockTick = 3 * time.Second

// users returns the users of keys. The map is not changed later.
func (d *certificates) users() (map[PublicKey]string, error, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	listing, err := listCertificates(d.directory)
	if err != nil {
		return nil, nil, err
	}
	if d.settled && slices.Equal(listing, d.listing) {
		return d.known, d.broken, nil
	}
	known, broken := make(map[PublicKey]string), []error(nil)
	settled := true
	for _, f := range listing {
		settled = settled && now.Sub(f.changed) > clockTick
		c, err := readCertificate(filepath.Join(d.directory, f.name))
		if err != nil {
			broken = append(broken, err)
			continue
		}
		user := c.Metadata["name"]
		if user == "" {
			user = c.Public.String()
		}
		known[c.Public] = user
	}
	d.listing, d.settled, d.known, d.broken = listing, settled, known, errors.Join(broken...)
	return d.known, d.broken, nil
}

// listCertificates returns the files of a directory, in the order of their names. Links are followed: some systems put new
// files in place by changing where a link leads.
func listCertificates(directory string) (listing []certificateFile, err error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, secretSuffix) {
			continue
		}
		info, err := os.Stat(filepath.Join(directory, name))
		if err != nil || !info.Mode().IsRegular() { // the file may just have been removed
			continue
		}
		listing = append(listing, certificateFile{name, info.Size(), info.ModTime()})
	}
	return listing, nil
}

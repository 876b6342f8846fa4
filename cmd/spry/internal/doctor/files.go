// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// spare is how many files a process opens beside its connections.
const spare = 64

// files checks how many files a process, and all of them, may open.
func files(_ context.Context, s *System, p Plan) (found []Finding) {
	need := int64(p.Connections + spare)
	f := Finding{Check: "files", ID: "files.limit", Subject: "open files of a process"}
	switch hard, err := s.openFiles(); {
	case err != nil:
		f = unreadable(f.Check, f.ID, f.Subject, err)
	case hard < need:
		f.Severity = Error
		f.What = fmt.Sprintf("a program that is started from here may open %d files, and %d connections need %d", hard, p.Connections, need)
		f.Why = "Each connection is an open file. Beyond the limit a listener accepts nothing, and dials fail: too many open files."
		f.Remedy = fmt.Sprintf("Raise the hard limit to %d: LimitNOFILE= in a unit of systemd, --ulimit nofile= of docker, or nofile in /etc/security/limits.conf.", need)
	default:
		f.Severity, f.What = OK, fmt.Sprintf("up to %s, for %d connections", number(hard), p.Connections)
	}
	found = append(found, f)

	f = Finding{Check: "files", ID: "files.system", Subject: "fs.file-max"}
	switch nr, err := s.settings("fs.file-nr"); {
	case err == nil && len(nr) < 3:
		f = unreadable(f.Check, f.ID, f.Subject, errors.New("fs.file-nr has no three numbers"))
	case err != nil:
		f = unreadable(f.Check, f.ID, f.Subject, err)
	case nr[2]-nr[0] < need:
		f.Severity = Error
		f.What = fmt.Sprintf("all processes may open %d files, and have %d open", nr[2], nr[0])
		f.Why = fmt.Sprintf("The %d files for %d connections are not there.", need, p.Connections)
		f.Remedy = fmt.Sprintf("sysctl fs.file-max=%d", nr[0]+2*need)
	default:
		f.Severity, f.What = OK, fmt.Sprintf("all processes have %d files open of %s", nr[0], number(nr[2]))
	}
	return append(found, f)
}

// openFiles is the hard limit of open files. The runtime of Go raises the soft one to it.
func (s *System) openFiles() (int64, error) {
	text, err := s.read("proc/self/limits")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		values, found := strings.CutPrefix(line, "Max open files")
		if !found {
			continue
		}
		words := strings.Fields(values)
		if len(words) < 2 {
			break
		}
		if words[1] == "unlimited" {
			return math.MaxInt64, nil
		}
		return strconv.ParseInt(words[1], 10, 64)
	}
	return 0, errors.New("/proc/self/limits has no limit of open files")
}

// number is a limit. The largest means that there is none.
func number(n int64) string {
	if n == math.MaxInt64 {
		return "any number"
	}
	return strconv.FormatInt(n, 10)
}

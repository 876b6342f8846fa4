// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/sprymq/spry/cmd/spry/internal/units"
)

// memory checks limits of memory and of processors against the settings of the runtime of Go, and huge pages.
func memory(_ context.Context, s *System, _ Plan) []Finding {
	return []Finding{memoryLimit(s), processors(s), hugePages(s)}
}

// noLimit is above what cgroups of version 1 say where there is none.
const noLimit = 1 << 60

// memoryLimit compares GOMEMLIMIT with the limit of the cgroup.
func memoryLimit(s *System) Finding {
	f := Finding{Check: "memory", ID: "memory.limit", Severity: OK, Subject: "GOMEMLIMIT"}
	text, err := s.cgroup("memory.max", "memory/memory.limit_in_bytes")
	if err != nil {
		return unreadable(f.Check, f.ID, f.Subject, err)
	}
	limit, err := strconv.ParseInt(text, 10, 64)
	if text == "max" || err == nil && limit >= noLimit {
		f.What = "the cgroup has no limit of memory"
		return f
	} else if err != nil {
		return unreadable(f.Check, f.ID, f.Subject, fmt.Errorf("the limit of the cgroup is %q", text))
	}
	const why = "The kernel kills the process when it reaches the limit of the cgroup; the garbage collector knows only GOMEMLIMIT."
	remedy := fmt.Sprintf("GOMEMLIMIT=%dMiB, nine tenths of the limit, in the environment of the program.", limit*9/10>>20)
	own := s.Getenv("GOMEMLIMIT")
	bytes, err := units.ParseSize(own)
	is := "the cgroup has " + humanize.IBytes(uint64(limit)) + " of memory"
	switch {
	case own == "" || own == "off":
		f.Severity, f.What, f.Why, f.Remedy = Warning, is+", and GOMEMLIMIT is not set", why, remedy
	case err != nil:
		f.Severity, f.What, f.Why, f.Remedy = Error, fmt.Sprintf("%q is no size", own), "Programs in Go do not start: malformed GOMEMLIMIT.", remedy
	case bytes > limit:
		f.Severity, f.What, f.Why, f.Remedy = Error, is+", and GOMEMLIMIT is "+humanize.IBytes(uint64(bytes)), why, remedy
	default:
		f.What = is + ", and GOMEMLIMIT is " + humanize.IBytes(uint64(bytes))
	}
	return f
}

// cgroup returns the value of a file of this process's cgroup: of version 2, or else of version 1.
func (s *System) cgroup(v2, v1 string) (string, error) {
	folder := ""
	if text, err := s.read("proc/self/cgroup"); err == nil {
		for line := range strings.Lines(text) {
			if rest, found := strings.CutPrefix(line, "0::/"); found {
				folder = strings.TrimSpace(rest)
			}
		}
	}
	// In a container the path may be that of the host, and the root is the container's own.
	for _, name := range []string{path.Join("sys/fs/cgroup", folder, v2), path.Join("sys/fs/cgroup", v2), path.Join("sys/fs/cgroup", v1)} {
		text, err := s.read(name)
		if err == nil {
			return text, nil
		} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			return "", err
		}
	}
	if _, err := fs.Stat(s.Root, "sys/fs/cgroup"); err == nil {
		return "max", nil // the root of all cgroups has no such file
	}
	return "", errors.New("there are no cgroups")
}

// processors compares GOMAXPROCS with the cgroup's share of processors.
func processors(s *System) Finding {
	f := Finding{Check: "memory", ID: "memory.processors", Severity: OK, Subject: "GOMAXPROCS"}
	text, err := s.cgroup("cpu.max", "cpu/cpu.cfs_quota_us")
	if err != nil {
		return unreadable(f.Check, f.ID, f.Subject, err)
	}
	share := float64(s.CPUs)
	if words := strings.Fields(text); len(words) == 2 && words[0] != "max" {
		quota, err1 := strconv.ParseFloat(words[0], 64)
		period, err2 := strconv.ParseFloat(words[1], 64)
		if err1 == nil && err2 == nil && period > 0 {
			share = min(share, quota/period)
		}
	}
	own := s.Getenv("GOMAXPROCS")
	n, err := strconv.Atoi(own)
	switch {
	case own == "":
		f.What = fmt.Sprintf("programs in Go use the %.3g processors that they may", share)
	case err != nil:
		f.Severity, f.What = Warning, fmt.Sprintf("%q is no number", own)
		f.Why, f.Remedy = "Programs in Go ignore it.", "Leave it out: Go knows the limit of the cgroup."
	case float64(n) > math.Ceil(share):
		f.Severity, f.What = Warning, fmt.Sprintf("it is %d, and the process may use %.3g processors", n, share)
		f.Why = "The kernel stops all threads when the share is used up, for up to a tenth of a second: latencies show it."
		f.Remedy = "Leave GOMAXPROCS out: Go knows the limit of the cgroup."
	default:
		f.What = fmt.Sprintf("it is %d, of %.3g processors that the process may use", n, share)
	}
	return f
}

// hugePages checks whether the kernel makes huge pages of memory that programs have given back.
func hugePages(s *System) Finding {
	const file = "sys/kernel/mm/transparent_hugepage/"
	f := Finding{Check: "memory", ID: "memory.huge_pages", Severity: OK, Subject: "/" + file + "enabled"}
	enabled, err := s.read(file + "enabled")
	if err != nil {
		return unreadable(f.Check, f.ID, f.Subject, err)
	}
	f.What = "huge pages are " + chosen(enabled)
	unused, err := s.read(file + "khugepaged/max_ptes_none")
	if chosen(enabled) == "always" && err == nil && unused != "0" {
		f.Severity = Warning
		f.What += ", also of memory that is mostly unused"
		f.Why = "Memory that a program with many connections has given back is taken again, 2 MiB at a time: it grows, and latencies have peaks."
		f.Remedy = "echo madvise > /" + file + "enabled"
	}
	return f
}

// chosen is the word in brackets: "madvise" of "always [madvise] never".
func chosen(text string) string {
	_, rest, _ := strings.Cut(text, "[")
	word, _, _ := strings.Cut(rest, "]")
	return word
}

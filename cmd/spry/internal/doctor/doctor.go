// SPDX-License-Identifier: MIT

// Package doctor looks for what would keep programs with many connections from working well on a machine: limits, ports, clocks, names
// and certificates. Each check is a function of a [System], with a [Finding] for each thing that it looks at.
package doctor

import (
	"context"
	"io/fs"
	"net/netip"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/inspect"
)

// A Severity says how bad a finding is.
type Severity string

// The severities.
const (
	OK      Severity = "ok"
	Unknown Severity = "unknown" // it could not be looked at
	Warning Severity = "warning" // it works, and not well, or not for long
	Error   Severity = "error"   // it does not work
)

// A Finding is what a check has found. Its JSON is a line of spry doctor --json.
type Finding struct {
	Check    string   `json:"check"` // what looked: files, buffers, ports, clock, dns, certificates, memory
	ID       string   `json:"id"`    // what it looked for, such as files.limit; the same in every version
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"`          // what it looked at: a file, a setting, a URL
	What     string   `json:"what"`             // what it is
	Why      string   `json:"why,omitempty"`    // why that matters, unless all is well
	Remedy   string   `json:"remedy,omitempty"` // what to do, unless all is well
}

// A Plan is what programs are to do on the machine.
type Plan struct {
	Connections  int      // at the same time, in one process
	Listen, Dial []string // URLs
	Cert, Key    string   // files; Key may be empty if Cert has both
	CACert       string   // file
	Timeout      time.Duration
}

// A System is the machine as the checks see it.
type System struct {
	Root     fs.FS // the root of the file system, for /proc and /sys
	ReadFile func(name string) ([]byte, error)
	Stat     func(name string) (fs.FileInfo, error)
	Getenv   func(name string) string
	LookUp   func(ctx context.Context, host string) ([]netip.Addr, error)
	Services func(ctx context.Context, name string) (hosts []string, err error) // of SRV records
	Inspect  func(ctx context.Context, url string) (*inspect.Report, error)     // a peer
	Clock    func() (wall time.Time, monotonic time.Duration)                   // both at once
	Sleep    func(d time.Duration)                                              // for the clock
	Synced   func() (synced bool, known bool)                                   // whether the system's clock is kept in time
	CPUs     int                                                                // that the process may use
	UID      int                                                                // -1 where there are none
}

// Run makes all checks.
func Run(ctx context.Context, s *System, p Plan) (all []Finding) {
	for _, check := range []func(context.Context, *System, Plan) []Finding{files, buffers, ports, ephemeral, clock, names, certificates, memory} {
		all = append(all, check(ctx, s, p)...)
	}
	return all
}

// Worst is the worst severity of findings. What could not be looked at is no worse than what is well.
func Worst(all []Finding) Severity {
	worst := OK
	for _, f := range all {
		switch {
		case f.Severity == Error:
			return Error
		case f.Severity == Warning:
			worst = Warning
		}
	}
	return worst
}

// unreadable is the finding of a check that cannot read what it looks at.
func unreadable(check, id, subject string, err error) Finding {
	return Finding{Check: check, ID: id, Severity: Unknown, Subject: subject, What: "it cannot be looked at here: " + err.Error()}
}

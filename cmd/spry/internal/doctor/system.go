// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/inspect"
)

// Machine is the system that this process runs on. Peers are inspected with o.
func Machine(o inspect.Options) *System {
	begun := time.Now()
	return &System{
		Root: os.DirFS("/"), ReadFile: os.ReadFile, Stat: os.Stat, Getenv: os.Getenv,
		LookUp: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
		Services: func(ctx context.Context, name string) (hosts []string, err error) {
			_, records, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
			for _, r := range records {
				hosts = append(hosts, strings.TrimSuffix(r.Target, "."))
			}
			return hosts, err
		},
		Inspect: func(ctx context.Context, url string) (*inspect.Report, error) { return inspect.Run(ctx, url, o) },
		Clock: func() (time.Time, time.Duration) {
			now := time.Now()
			return now.Round(0), now.Sub(begun)
		},
		Sleep: time.Sleep, Synced: synced, CPUs: runtime.NumCPU(), UID: os.Getuid(),
	}
}

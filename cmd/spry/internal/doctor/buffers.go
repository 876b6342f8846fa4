// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
)

// Below these sizes, in bytes, settings of the kernel cost speed.
const (
	leastTCP = 1 << 20 // what a connection's buffer may grow to: 80 Mbit/s at a round trip of 100 ms
	leastMax = 212_992 // what programs may ask for: the kernel's own default
	backlog  = 1024    // connections that wait to be accepted
	mostWait = 4096    // the kernel's default of backlog; more are not needed
)

// buffers checks the sizes of socket buffers and of the queue of new connections.
func buffers(_ context.Context, s *System, p Plan) (found []Finding) {
	for _, name := range []string{"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"} {
		f := Finding{Check: "buffers", ID: "buffers.tcp", Subject: name}
		switch values, err := s.settings(name); {
		case err == nil && len(values) != 3:
			f = unreadable(f.Check, f.ID, name, errors.New("these are not three numbers"))
		case err != nil:
			f = unreadable(f.Check, f.ID, name, err)
		case values[2] < leastTCP:
			f.Severity = Warning
			f.What = fmt.Sprintf("a connection's buffer grows to %s at most", humanize.IBytes(uint64(values[2])))
			f.Why = "A connection moves one buffer in a round trip: long ways are slow, however fast the network is."
			f.Remedy = fmt.Sprintf("sysctl %s='%d %d %d'", name, values[0], values[1], 6<<20)
		default:
			f.Severity, f.What = OK, fmt.Sprintf("a connection's buffer grows to %s", humanize.IBytes(uint64(values[2])))
		}
		found = append(found, f)
	}
	for _, name := range []string{"net.core.rmem_max", "net.core.wmem_max"} {
		option := map[string]string{"net.core.rmem_max": "ReadBuffer", "net.core.wmem_max": "WriteBuffer"}[name]
		f := Finding{Check: "buffers", ID: "buffers.max", Subject: name}
		switch n, err := s.setting(name); {
		case err != nil:
			f = unreadable(f.Check, f.ID, name, err)
		case n < leastMax:
			f.Severity = Warning
			f.What = "programs may ask for buffers of " + humanize.IBytes(uint64(n)) + " at most"
			f.Why = "The kernel cuts larger ones silently: those of ipc and inside the machine, and those of the option " + option + "."
			f.Remedy = fmt.Sprintf("sysctl %s=%d", name, 4<<20)
		default:
			f.Severity, f.What = OK, "programs may ask for buffers of "+humanize.IBytes(uint64(n))
		}
		found = append(found, f)
	}
	f := Finding{Check: "buffers", ID: "buffers.backlog", Subject: "net.core.somaxconn"}
	want := int64(min(max(p.Connections, backlog), mostWait))
	switch n, err := s.setting("net.core.somaxconn"); {
	case err != nil:
		f = unreadable(f.Check, f.ID, f.Subject, err)
	case n < want:
		f.Severity = Warning
		f.What = fmt.Sprintf("%d new connections of a listener may wait to be accepted", n)
		f.Why = fmt.Sprintf("When a listener comes back, its peers redial together. Those of %d that find no place try again after a second or more.", p.Connections)
		f.Remedy = fmt.Sprintf("sysctl net.core.somaxconn=%d, then start the listeners again", mostWait)
	default:
		f.Severity, f.What = OK, fmt.Sprintf("%d new connections of a listener may wait to be accepted", n)
	}
	return append(found, f)
}

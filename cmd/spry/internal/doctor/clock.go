// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// How long the clock is watched, and by how much it may differ from the monotonic one meanwhile.
const (
	watched = 200 * time.Millisecond
	drift   = 20 * time.Millisecond
)

// born is before the first release: a clock that shows an earlier time is wrong.
var born = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock checks whether the time is right, and stays so.
func clock(_ context.Context, s *System, _ Plan) (found []Finding) {
	wall, mono := s.Clock()
	f := Finding{Check: "clock", ID: "clock.time", Severity: OK, Subject: "the time", What: wall.UTC().Format(time.RFC3339)}
	if wall.Before(born) {
		f.Severity = Error
		f.What = "it is " + f.What + " here, which is long ago"
		f.Why = "Certificates are not valid yet, so connections with TLS fail."
		f.Remedy = "Set the clock, and keep it in time with a service such as systemd-timesyncd or chrony."
	}
	found = append(found, f)

	f = Finding{Check: "clock", ID: "clock.synced", Subject: "synchronisation"}
	switch synced, known := s.Synced(); {
	case !known:
		f = unreadable(f.Check, f.ID, f.Subject, errors.New("the system does not say"))
	case synced:
		f.Severity, f.What = OK, "the kernel says that the clock is kept in time"
	default:
		f.Severity, f.What = Warning, "the kernel says that nothing keeps the clock in time"
		f.Why = "Times of logs, recordings and events of several machines do not fit together, and certificates expire early or late."
		f.Remedy = "Run a service such as systemd-timesyncd or chrony: timedatectl set-ntp true. In a container it is the host's."
	}
	found = append(found, f)

	s.Sleep(watched)
	wall2, mono2 := s.Clock()
	f = Finding{Check: "clock", ID: "clock.jumps", Severity: OK, Subject: "jumps of the clock"}
	jump := wall2.Sub(wall) - (mono2 - mono)
	f.What = fmt.Sprintf("none within %s", watched)
	if jump > drift || jump < -drift {
		f.Severity = Warning
		f.What = fmt.Sprintf("the clock went by %s more than the time that passed, within %s", jump.Round(time.Millisecond), watched)
		f.Why = "Spry's own times are monotonic and do not suffer, but those of logs, recordings and certificates do."
		f.Remedy = "Let one service keep the clock, and let it slew: chrony's makestep is for the start only. In a virtual machine, look for a second one in the guest tools."
	}
	found = append(found, f)

	f = Finding{Check: "clock", ID: "clock.source", Subject: "clocksource0"}
	source, err := s.read("sys/devices/system/clocksource/clocksource0/current_clocksource")
	switch {
	case err != nil:
		f = unreadable(f.Check, f.ID, f.Subject, err)
	case source == "hpet" || source == "acpi_pm" || source == "jiffies":
		f.Severity, f.What = Warning, "the kernel reads the time from "+source
		f.Why = "That takes a microsecond or more instead of 20 ns, and sockets ask for the time often."
		f.Remedy = "See why the kernel has given up the processor's counter: journalctl -k | grep -i clocksource"
	default:
		f.Severity, f.What = OK, "the kernel reads the time from "+strings.TrimSpace(source)
	}
	return append(found, f)
}

// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// slow is how long a name may take.
const slow = 500 * time.Millisecond

// names checks the names of URLs to dial.
func names(ctx context.Context, s *System, p Plan) (found []Finding) {
	for _, url := range p.Dial {
		a, err := parse(url)
		switch {
		case err != nil:
			found = append(found, malformed("dns", "dns.name", a, url, err))
		case a.service != "":
			found = append(found, service(ctx, s, p, a)...)
		case a.file == "":
			found = append(found, name(ctx, s, p, a.url, a.host))
		}
	}
	return found
}

// service looks up SRV records, and the names in them.
func service(ctx context.Context, s *System, p Plan, a address) (found []Finding) {
	f := Finding{Check: "dns", ID: "dns.service", Subject: a.url}
	within, cancel := context.WithTimeout(ctx, p.Timeout)
	hosts, err := s.Services(within, a.service)
	cancel()
	if err != nil || len(hosts) == 0 {
		f.Severity, f.What = Error, "there are no SRV records: "+message(err)
		f.Why, f.Remedy = "Dials find no server.", "Make the records, or write host:port: dig SRV "+a.service
		return []Finding{f}
	}
	f.Severity, f.What = OK, "the servers are "+strings.Join(hosts, ", ")
	found = append(found, f)
	for _, host := range hosts {
		found = append(found, name(ctx, s, p, a.url, host))
	}
	return found
}

func message(err error) string {
	if err == nil {
		return "the answer is empty"
	}
	return err.Error()
}

// name looks a host up.
func name(ctx context.Context, s *System, p Plan, url, host string) Finding {
	f := Finding{Check: "dns", ID: "dns.name", Severity: OK, Subject: url}
	if ip, err := netip.ParseAddr(host); err == nil {
		f.What = ip.String() + " needs no look-up"
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	_, begun := s.Clock()
	addresses, err := s.LookUp(ctx, host)
	_, ended := s.Clock()
	took := (ended - begun).Round(time.Microsecond)
	var all []string
	for _, a := range addresses {
		all = append(all, a.Unmap().String())
	}
	f.What = fmt.Sprintf("%s is %s, after %s", host, strings.Join(all, ", "), took)
	switch {
	case err != nil || len(all) == 0:
		f.Severity, f.What = Error, fmt.Sprintf("%s has no address: %s", host, message(err))
		f.Why = "Every dial looks the name up, and fails."
		f.Remedy = "See what the resolver says: getent ahosts " + host + ". Then mend the record, /etc/resolv.conf or /etc/hosts."
	case took > slow:
		f.Severity = Warning
		f.Why = "Every dial looks the name up, so each connection is made that much later."
		f.Remedy = "Look for a name server in /etc/resolv.conf that does not answer, or run a cache such as systemd-resolved."
	}
	return f
}

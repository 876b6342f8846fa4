// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sprymq/spry/transport"
)

// An address is what a URL of the command line leads to.
type address struct {
	url        string // for findings: without passwords
	host, port string // of tcp
	service    string // a name of SRV records, instead of both
	file       string // of ipc, instead
	tls        bool
}

// errOther says that a URL has no place that can be looked at, such as a name of inproc.
var errOther = errors.New("it is neither an address of TCP nor a file")

func parse(url string) (a address, err error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return a, err
	}
	a.url = u.Redacted()
	layers := strings.Split(u.Scheme, "+")
	base := layers[len(layers)-1]
	for _, l := range layers {
		a.tls = a.tls || l == "tls" || l == "wss"
	}
	rest, _, _ := strings.Cut(u.Address, "?")
	if _, after, found := strings.Cut(rest, ";"); found { // nanomsg's source address
		rest = after
	}
	switch base {
	case "ipc", "unix":
		a.file = u.Address
		return a, nil
	case "ws", "wss":
		rest, _, _ = strings.Cut(rest, "/")
		if at := strings.LastIndexByte(rest, ':'); at < 0 || strings.HasSuffix(rest, "]") {
			rest += map[string]string{"ws": ":80", "wss": ":443"}[base]
		}
	case "tcp", "tcp4", "tcp6":
	default:
		return a, errOther
	}
	if strings.HasPrefix(rest, "_") && !strings.Contains(rest, ":") {
		a.service = rest
		return a, nil
	}
	if strings.Contains(rest, "@") {
		return a, errors.New("there is no user in an address")
	}
	if a.host, a.port, err = net.SplitHostPort(rest); err != nil {
		return a, err
	}
	if a.host == "*" {
		a.host = ""
	}
	if a.port == "*" {
		a.port = "0"
	}
	if _, err := strconv.ParseUint(a.port, 10, 16); err != nil {
		return a, fmt.Errorf("port %q is not a number from 0 to 65535", a.port)
	}
	return a, nil
}

// ports checks whether URLs can be listened on.
func ports(ctx context.Context, s *System, p Plan) (found []Finding) {
	for _, url := range p.Listen {
		a, err := parse(url)
		switch {
		case err != nil:
			found = append(found, malformed("ports", "ports.free", a, url, err))
		case a.file != "":
			found = append(found, file(s, a))
		case a.port == "0":
			found = append(found, Finding{Check: "ports", ID: "ports.free", Severity: OK, Subject: a.url, What: "the system chooses a free port"})
		case a.service != "":
			found = append(found, malformed("ports", "ports.free", a, url, errors.New("a name of SRV records is for dialing")))
		default:
			found = append(found, port(ctx, s, a)...)
		}
	}
	return found
}

// malformed is the finding about a URL that no socket takes, or one that leads nowhere.
func malformed(check, id string, a address, url string, err error) Finding {
	f := Finding{Check: check, ID: id, Severity: Error, Subject: a.url, What: err.Error()}
	f.Why, f.Remedy = "Sockets do not take the URL.", "Write it like tcp://host:5555."
	if a.url == "" { // it may have a password anywhere
		f.Subject = strings.TrimPrefix(transport.URL{Address: url}.Redacted(), "://")
	}
	if errors.Is(err, errOther) {
		return unreadable(check, id, f.Subject, err)
	}
	return f
}

// port checks whether a port of TCP is free, and this user's.
func port(ctx context.Context, s *System, a address) (found []Finding) {
	f := Finding{Check: "ports", ID: "ports.free", Subject: a.url}
	number, _ := strconv.ParseUint(a.port, 10, 16) // was parsed
	all, err := s.sockets()
	holder := ""
	for _, other := range all {
		if other.state == listening && uint64(other.local.Port()) == number && s.meet(ctx, a.host, other.local.Addr()) {
			holder = fmt.Sprintf("%s listens on %s", s.owner(other.inode), other.local)
			break
		}
	}
	switch {
	case err != nil:
		f = unreadable(f.Check, f.ID, f.Subject, err)
	case holder != "":
		f.Severity, f.What = Error, holder
		f.Why = "Only one process can listen on a port, so the listener fails: address already in use."
		f.Remedy = "End that process, or choose another port."
	default:
		f.Severity, f.What = OK, "the port is free"
	}
	found = append(found, f)

	f = Finding{Check: "ports", ID: "ports.privileged", Subject: a.url}
	if first, err := s.setting("net.ipv4.ip_unprivileged_port_start"); err == nil && int64(number) < first && !s.mayBindAny() {
		f.Severity = Error
		f.What = fmt.Sprintf("ports below %d are for root, and this is user %d", first, s.UID)
		f.Why = "The listener fails: permission denied."
		f.Remedy = "Choose a port from " + strconv.FormatInt(first, 10) + " on, or give the program AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit of systemd, or use setcap cap_net_bind_service=+ep on its file."
		found = append(found, f)
	}
	f = Finding{Check: "ports", ID: "ports.ephemeral", Subject: a.url}
	if low, high, err := s.sourcePorts(); err == nil && int64(number) >= low && int64(number) <= high && !s.reserved(number) {
		f.Severity = Warning
		f.What = fmt.Sprintf("the port is one of %d to %d, which the kernel gives to outgoing connections", low, high)
		f.Why = "A connection of any program may have the port when the listener starts again, which then fails now and then."
		f.Remedy = fmt.Sprintf("Choose a port below %d, or sysctl net.ipv4.ip_local_reserved_ports=%d", low, number)
		found = append(found, f)
	}
	return found
}

// meet reports whether a listener at a host, or at all if that is empty, cannot be beside one at ip.
func (s *System) meet(ctx context.Context, host string, ip netip.Addr) bool {
	own, err := netip.ParseAddr(host)
	if host == "" || ip.IsUnspecified() || err == nil && (own.IsUnspecified() || own.Unmap() == ip) {
		return true
	}
	if err == nil {
		return false
	}
	addresses, err := s.LookUp(ctx, host)
	if err != nil {
		return true // an interface, perhaps
	}
	for _, a := range addresses {
		if a.Unmap() == ip {
			return true
		}
	}
	return false
}

// mayBindAny reports whether the process may listen on ports of root.
func (s *System) mayBindAny() bool {
	const bindService = 10 // of capabilities(7)
	text, err := s.read("proc/self/status")
	if err != nil {
		return s.UID <= 0
	}
	for line := range strings.Lines(text) {
		if mask, found := strings.CutPrefix(line, "CapEff:"); found {
			n, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err == nil && n&(1<<bindService) != 0
		}
	}
	return s.UID <= 0
}

// sourcePorts are the ports of outgoing connections.
func (s *System) sourcePorts() (low, high int64, err error) {
	r, err := s.settings("net.ipv4.ip_local_port_range")
	if err == nil && len(r) != 2 {
		err = errors.New("these are not two numbers")
	}
	if err != nil {
		return 0, 0, err
	}
	return r[0], r[1], nil
}

// reserved reports whether a port is kept from outgoing connections.
func (s *System) reserved(port uint64) bool {
	text, err := s.read("proc/sys/net/ipv4/ip_local_reserved_ports")
	if err != nil {
		return false
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		low, err1 := strconv.ParseUint(first, 10, 16)
		high, err2 := strconv.ParseUint(last, 10, 16)
		if err1 == nil && err2 == nil && low <= port && port <= high {
			return true
		}
	}
	return false
}

// longest is the longest path of a Unix socket on Linux, in bytes.
const longest = 107

// file checks whether an ipc socket can be made.
func file(s *System, a address) Finding {
	f := Finding{Check: "ports", ID: "ports.file", Subject: a.url}
	name, err := filepath.Abs(a.file)
	if err != nil {
		return unreadable(f.Check, f.ID, f.Subject, err)
	}
	folder, dirErr := s.Stat(filepath.Dir(name))
	at, fileErr := s.Stat(name)
	switch {
	case len(a.file) > longest:
		f.Severity, f.What = Error, fmt.Sprintf("the path has %d bytes, and %d are possible", len(a.file), longest)
		f.Why, f.Remedy = "The listener fails: the kernel has no room for the name.", "Choose a shorter path, or a relative one."
	case dirErr != nil || !folder.IsDir():
		f.Severity, f.What = Error, filepath.Dir(name)+" is no folder that this user can see"
		f.Why, f.Remedy = "The listener makes a file in it, and fails.", "Make the folder, such as by RuntimeDirectory= in a unit of systemd."
	case fileErr == nil && at.Mode()&fs.ModeSocket == 0:
		f.Severity, f.What = Error, "there is a file that is no socket"
		f.Why, f.Remedy = "The listener does not remove what another program has made, and fails.", "Remove the file, or choose another path."
	case s.unixSocketInUse(name):
		f.Severity, f.What = Error, "a process listens there"
		f.Why, f.Remedy = "The listener fails: address already in use.", "End that process, or choose another path."
	case fileErr == nil:
		f.Severity, f.What = OK, "there is a socket without a process, which a listener replaces"
	default:
		f.Severity, f.What = OK, "the path is free"
	}
	return f
}

// unixSocketInUse reports whether a path is in /proc/net/unix as that of a listener.
func (s *System) unixSocketInUse(name string) bool {
	const accepts = "00010000" // the flag of a socket that listens
	text, err := s.read("proc/net/unix")
	if err != nil {
		return false
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) >= 8 && words[3] == accepts && strings.Join(words[7:], " ") == name {
			return true
		}
	}
	return false
}

// ephemeral checks whether there are ports for as many outgoing connections.
func ephemeral(_ context.Context, s *System, p Plan) []Finding {
	f := Finding{Check: "ports", ID: "ports.source", Subject: "net.ipv4.ip_local_port_range"}
	low, high, err := s.sourcePorts()
	if err != nil {
		return []Finding{unreadable(f.Check, f.ID, f.Subject, err)}
	}
	all, err := s.sockets()
	if err != nil {
		return []Finding{unreadable(f.Check, f.ID, f.Subject, err)}
	}
	waiting := int64(0)
	for _, other := range all {
		if n := int64(other.local.Port()); other.state == timeWait && n >= low && n <= high {
			waiting++
		}
	}
	const remedy = "sysctl net.ipv4.ip_local_port_range='10240 65535', or spread the peers over several addresses."
	switch count := high - low + 1; {
	case count < int64(p.Connections):
		f.Severity = Warning
		f.What = fmt.Sprintf("%d ports are for outgoing connections, and %d connections are planned", count, p.Connections)
		f.Why, f.Remedy = "Connections from one address to one address and port differ by their source port: no more can be dialed to one listener.", remedy
	case waiting > count/2:
		f.Severity = Warning
		f.What = fmt.Sprintf("%d of %d ports for outgoing connections are those of connections that have ended (TIME_WAIT)", waiting, count)
		f.Why = "Something makes and ends connections all the time, and dials fail when the ports are used up: cannot assign requested address."
		f.Remedy = "Keep connections open, as sockets do. Otherwise " + remedy
	default:
		f.Severity, f.What = OK, fmt.Sprintf("%d ports are for outgoing connections to each listener, and %d wait to be free again", count, waiting)
	}
	return []Finding{f}
}

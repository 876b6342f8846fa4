// SPDX-License-Identifier: MIT

package doctor

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// States of TCP, as /proc/net/tcp writes them.
const (
	timeWait  = "06"
	listening = "0A"
)

// A socket is a line of /proc/net/tcp.
type socket struct {
	local netip.AddrPort
	state string
	inode string
}

// sockets returns those of TCP, of both families. A kernel may lack IPv6.
func (s *System) sockets() (all []socket, err error) {
	for _, name := range []string{"proc/net/tcp", "proc/net/tcp6"} {
		text, err := s.read(name)
		if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, "6") {
			continue
		} else if err != nil {
			return nil, err
		}
		for i, line := range strings.Split(text, "\n") {
			words := strings.Fields(line)
			if i == 0 || len(words) < 10 {
				continue // the names of the columns
			}
			local, err := parseHex(words[1])
			if err != nil {
				return nil, fmt.Errorf("/%s: %w", name, err)
			}
			all = append(all, socket{local: local, state: words[3], inode: words[9]})
		}
	}
	return all, nil
}

// parseHex parses "0100007F:1F90": words of the machine's order of bytes, and a port.
func parseHex(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	if err == nil && len(b)%4 != 0 {
		err = errors.New("an address is cut off")
	}
	if err != nil {
		return netip.AddrPort{}, err
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	ip, ok := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", s)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), nil
}

// owner describes the process that has a socket open.
func (s *System) owner(inode string) string {
	const hidden = "a process that this user may not look at"
	link := "socket:[" + inode + "]"
	processes, err := fs.Glob(s.Root, "proc/[0-9]*")
	if err != nil {
		return hidden
	}
	for _, p := range processes {
		open, err := fs.ReadDir(s.Root, p+"/fd")
		if err != nil {
			continue // of another user
		}
		for _, fd := range open {
			if target, err := fs.ReadLink(s.Root, path.Join(p, "fd", fd.Name())); err != nil || target != link {
				continue
			}
			name, err := s.read(p + "/comm")
			if err != nil {
				name = "a process"
			}
			return fmt.Sprintf("%s (process %s)", name, path.Base(p))
		}
	}
	return hidden
}

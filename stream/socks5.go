// SPDX-License-Identifier: MIT

package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// SOCKS5 asks the proxy at the other end of a stream to connect it to an address, host:port, by the protocol of RFC 1928.
// The name is looked up by the proxy. user and password are those of RFC 1929; an empty user means none. It returns the
// stream, which now leads to the address. On an error the stream is closed.
func SOCKS5(ctx context.Context, proxy *Bytes, address, user, password string) (_ *Bytes, err error) {
	b, err := proxy.Take()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = b.Close()
			err = fmt.Errorf("SOCKS5 proxy %v, to %s: %w", b.RemoteAddr(), address, err)
		}
	}()
	request, err := socksRequest(address)
	if err != nil {
		return nil, err
	}
	if err := socksLogin(ctx, b, user, password); err != nil {
		return nil, err
	}
	if err := b.Write(ctx, request); err != nil {
		return nil, err
	}
	if err := socksAnswer(ctx, b); err != nil {
		return nil, err
	}
	return b, nil
}

const (
	socksVersion    = 5
	socksNoLogin    = 0
	socksPassword   = 2
	socksConnect    = 1
	socksIPv4       = 1
	socksName       = 3
	socksIPv6       = 4
	socksLoginStyle = 1
)

func socksRequest(address string) ([]byte, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q is not a number up to 65535", service)
	}
	r := []byte{socksVersion, socksConnect, 0}
	switch ip, err := netip.ParseAddr(host); {
	case err == nil && ip.Unmap().Is4():
		r = append(append(r, socksIPv4), ip.Unmap().AsSlice()...)
	case err == nil:
		r = append(append(r, socksIPv6), ip.AsSlice()...)
	case host == "" || len(host) > 255:
		return nil, fmt.Errorf("a host name has 1 to 255 bytes, this one %d", len(host))
	default:
		r = append(append(r, socksName, byte(len(host))), host...)
	}
	return append(r, byte(port>>8), byte(port)), nil
}

func socksLogin(ctx context.Context, b *Bytes, user, password string) error {
	if len(user) > 255 || len(password) > 255 {
		return errors.New("a user name and a password have at most 255 bytes each")
	}
	offer := []byte{socksVersion, 1, socksNoLogin}
	if user != "" {
		offer = []byte{socksVersion, 2, socksNoLogin, socksPassword}
	}
	if err := b.Write(ctx, offer); err != nil {
		return err
	}
	var chosen [2]byte
	if err := b.ReadFull(ctx, chosen[:]); err != nil {
		return noEnd(err)
	}
	switch {
	case chosen[0] != socksVersion:
		return fmt.Errorf("it answers in version %d of the protocol: it is no SOCKS5 proxy", chosen[0])
	case chosen[1] == socksNoLogin:
		return nil
	case chosen[1] != socksPassword || user == "":
		return errors.New("it accepts none of the offered ways to log in: give a user and a password")
	}
	login := append([]byte{socksLoginStyle, byte(len(user))}, user...)
	login = append(append(login, byte(len(password))), password...)
	if err := b.Write(ctx, login); err != nil {
		return err
	}
	if err := b.ReadFull(ctx, chosen[:]); err != nil {
		return noEnd(err)
	}
	if chosen[1] != 0 {
		return errors.New("it refuses the user or the password")
	}
	return nil
}

// socksFailures are the texts of the replies of RFC 1928.
var socksFailures = [...]string{
	1: "general failure", 2: "its rules do not allow the connection", 3: "network unreachable", 4: "host unreachable",
	5: "connection refused", 6: "time to live expired", 7: "it does not support the command", 8: "it does not support the kind of address",
}

func socksAnswer(ctx context.Context, b *Bytes) error {
	var head [5]byte // version, reply, reserved, kind of address, its first byte
	if err := b.ReadFull(ctx, head[:]); err != nil {
		return noEnd(err)
	}
	if reply := int(head[1]); reply != 0 {
		if reply < len(socksFailures) {
			return errors.New(socksFailures[reply])
		}
		return fmt.Errorf("reply %d", reply)
	}
	var rest int
	switch head[3] {
	case socksIPv4:
		rest = 4 - 1 + 2
	case socksIPv6:
		rest = 16 - 1 + 2
	case socksName:
		rest = int(head[4]) + 2
	default:
		return fmt.Errorf("address of kind %d in the answer", head[3])
	}
	return b.Discard(ctx, rest)
}

// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/netip"
)

// AllowKeys accepts the CURVE peers that have one of these keys, and no other peer. The user is the key in Z85.
func AllowKeys(keys ...PublicKey) Authenticator {
	allowed := make(map[PublicKey]bool, len(keys))
	for _, k := range keys {
		allowed[k] = true
	}
	return func(_ context.Context, c Credentials) (string, error) {
		switch {
		case c.Mechanism != mechanismCurve:
			return "", fmt.Errorf("%w: %s shows no key", ErrDenied, c.Mechanism)
		case !allowed[c.PublicKey]:
			return "", fmt.Errorf("%w: the key %v is not one of those that are allowed", ErrDenied, c.PublicKey)
		}
		return c.PublicKey.String(), nil
	}
}

// AllowPasswords accepts the PLAIN peers that present a user name and its password, and no other peer. passwords maps user
// names to passwords and is copied; the user is the name. The time that it takes to refuse a password reveals nothing about
// the right one.
func AllowPasswords(passwords map[string]string) Authenticator {
	sums := make(map[string][sha256.Size]byte, len(passwords))
	for user, password := range passwords {
		sums[user] = sha256.Sum256([]byte(password))
	}
	return func(_ context.Context, c Credentials) (string, error) {
		if c.Mechanism != mechanismPlain {
			return "", fmt.Errorf("%w: %s shows no password", ErrDenied, c.Mechanism)
		}
		right, known := sums[c.Username]
		shown := sha256.Sum256([]byte(c.Password))
		if same := subtle.ConstantTimeCompare(shown[:], right[:]) == 1; !same || !known {
			return "", fmt.Errorf("%w: the name %q or its password is wrong", ErrDenied, c.Username)
		}
		return c.Username, nil
	}
}

// AllowAddresses refuses peers whose IP address is in none of the prefixes, and peers without an IP address. Combine it with
// a check of credentials by [All]: alone, it accepts every peer from these addresses.
func AllowAddresses(prefixes ...netip.Prefix) Authenticator {
	prefixes = unmapped(prefixes)
	return func(_ context.Context, c Credentials) (string, error) {
		if a, ok := addressOf(c.Address); !ok || !within(a, prefixes) {
			return "", fmt.Errorf("%w: the address %v is not one of those that are allowed", ErrDenied, c.Address)
		}
		return "", nil
	}
}

// DenyAddresses refuses peers whose IP address is in one of the prefixes. Combine it with a check of credentials by [All]:
// alone, it accepts all other peers.
func DenyAddresses(prefixes ...netip.Prefix) Authenticator {
	prefixes = unmapped(prefixes)
	return func(_ context.Context, c Credentials) (string, error) {
		if a, ok := addressOf(c.Address); ok && within(a, prefixes) {
			return "", fmt.Errorf("%w: the address %v is one of those that are denied", ErrDenied, c.Address)
		}
		return "", nil
	}
}

// All accepts the peers that every one of the authenticators accepts. They are called in this order until one refuses. The
// user is the one that the last authenticator with a non-empty user returned. All of none accepts no peer.
func All(checks ...Authenticator) Authenticator {
	return func(ctx context.Context, c Credentials) (user string, err error) {
		if len(checks) == 0 {
			return "", fmt.Errorf("%w: All has no authenticators", ErrDenied)
		}
		for _, check := range checks {
			named, err := check(ctx, c)
			if err != nil {
				return "", err
			}
			if named != "" {
				user = named
			}
		}
		return user, nil
	}
}

// addressOf returns an address in the one form that prefixes are compared with: IPv4 as such, and without a zone.
func addressOf(a net.Addr) (netip.Addr, bool) {
	switch a := a.(type) {
	case nil:
		return netip.Addr{}, false
	case interface{ AddrPort() netip.AddrPort }:
		return plain(a.AddrPort().Addr())
	case *net.IPAddr:
		ip, _ := netip.AddrFromSlice(a.IP)
		return plain(ip)
	}
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}, false
	}
	return plain(at.Addr())
}

func plain(a netip.Addr) (netip.Addr, bool) { return a.Unmap().WithZone(""), a.IsValid() }

// unmapped rewrites IPv6 prefixes of mapped IPv4 addresses as prefixes of IPv4 addresses.
func unmapped(prefixes []netip.Prefix) []netip.Prefix {
	const mapping = 128 - 32 // bits before the IPv4 address
	all := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= mapping {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapping)
		}
		all = append(all, p)
	}
	return all
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

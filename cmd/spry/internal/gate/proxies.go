// SPDX-License-Identifier: MIT

package gate

import (
	"net/netip"

	"github.com/sprymq/spry/cmd/spry/internal/settings"
	"github.com/sprymq/spry/gateway"
)

// proxies are the reverse proxies that tell the addresses of clients.
type proxies struct {
	gateway.Forwarded
	trusted []string
}

func (p *proxies) keys() []settings.Key {
	return []settings.Key{settings.Strings("trusted-proxies", &p.trusted), settings.String("client-header", &p.Header)}
}

func (p *proxies) check(c *config) {
	if line, is := c.lines["client-header"]; is && len(p.trusted) == 0 {
		c.errorf(line, "client-header needs trusted-proxies, the networks of those that may set it")
	}
	for _, text := range p.trusted {
		network, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		switch {
		case text == "unix":
			p.Unix = true
		case err != nil:
			c.errorf(c.lines["trusted-proxies"], `trusted-proxies: %q is no network; write "10.0.0.0/8", "127.0.0.1", or "unix" for Unix sockets`, text)
		default:
			p.Trusted = append(p.Trusted, network.Masked())
		}
	}
}

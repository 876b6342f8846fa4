// SPDX-License-Identifier: MIT

package engine

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/wire"
)

// expiryCheck is the longest time until the clock is asked whether a certificate has expired: timers do not notice when the
// clock is set or the machine sleeps.
const expiryCheck = time.Minute

// startExpiry lets the pipe end when the certificate of its peer expires, if the socket wants that.
func (p *Pipe) startExpiry() {
	if !p.socket.options.CloseOnExpiry {
		return
	}
	state := p.link.Info().TLS
	if state == nil || len(state.PeerCertificates) == 0 {
		return
	}
	p.expires = firstToExpire(state)
	p.expiry.Store(p.scope.AfterFunc(p.untilExpiry(), p.checkExpiry))
	if p.over() { // nothing else would stop it
		p.stopExpiry()
	}
}

func (p *Pipe) stopExpiry() {
	if t := p.expiry.Load(); t != nil {
		t.Stop()
	}
}

// untilExpiry is how long the timer waits. A certificate is valid until and including NotAfter.
func (p *Pipe) untilExpiry() time.Duration {
	return min(time.Until(p.expires.NotAfter)+1, expiryCheck)
}

func (p *Pipe) checkExpiry() {
	if c := p.expires; time.Now().After(c.NotAfter) {
		p.end(wire.Errorf(reasons.Expired, "the certificate of %q in the peer's chain expired on %s: renew it there", c.Subject, c.NotAfter.UTC().Format(time.DateTime)))
		return
	}
	t := p.expiry.Load()
	t.Reset(p.untilExpiry())
	if p.over() {
		t.Stop()
	}
}

// firstToExpire returns the certificate that ends a peer's identity: the first to expire in the chain that is valid for the
// longest, or the peer's own if its chain was not verified.
func firstToExpire(state *tls.ConnectionState) (last *x509.Certificate) {
	for _, chain := range state.VerifiedChains {
		var first *x509.Certificate
		for _, c := range chain {
			if first == nil || c.NotAfter.Before(first.NotAfter) {
				first = c
			}
		}
		if first != nil && (last == nil || first.NotAfter.After(last.NotAfter)) {
			last = first
		}
	}
	if last == nil {
		return state.PeerCertificates[0]
	}
	return last
}

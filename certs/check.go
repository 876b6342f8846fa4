// SPDX-License-Identifier: MIT

package certs

import (
	"crypto/tls"
	"crypto/x509"
)

// Check returns why the files, as they are now, refuse the peer of an established connection, or nil. A revocation list has its
// certificate, which is a [RevokedError]; or, if there is a file of authorities, none of them has signed it, or it has expired. So a
// program can end connections whose peers are no longer welcome. Check looks at the files as a handshake does. Base is not asked, neither
// its VerifyConnection nor its authorities.
//
// A connection whose handshake has verified no certificate has none that could be refused.
func (s *Source) Check(state *tls.ConnectionState) error {
	if state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	c, chains := s.latest(), state.VerifiedChains
	if c.authorities != nil {
		others := x509.NewCertPool()
		for _, intermediate := range state.PeerCertificates[1:] {
			others.AddCert(intermediate)
		}
		var err error
		chains, err = state.PeerCertificates[0].Verify(x509.VerifyOptions{
			Roots: c.authorities, Intermediates: others, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err != nil {
			return err
		}
	}
	return c.lists.checkAny(chains)
}

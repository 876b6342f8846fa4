// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// soon is how long before its end a certificate is worth a warning.
const soon = 30 * 24 * time.Hour

// minRSA is the least size in bits of an RSA key that Spry takes.
const minRSA = 2048

// certificates checks the files of the command line, and the certificates of peers.
func certificates(ctx context.Context, s *System, p Plan) (found []Finding) {
	var roots *x509.CertPool
	if p.CACert != "" {
		authorities, finding := authorities(s, p.CACert)
		found = append(found, finding...)
		roots = authorities
	}
	if p.Cert != "" {
		found = append(found, pair(s, p, roots)...)
	}
	for _, url := range p.Dial {
		if a, err := parse(url); err == nil && a.tls {
			found = append(found, peer(ctx, s, a, url))
		}
	}
	return found
}

// authorities reads those of a file.
func authorities(s *System, file string) (*x509.CertPool, []Finding) {
	certs, err := readCertificates(s, file)
	if err != nil {
		return nil, []Finding{broken("certificates.authorities", file, err)}
	}
	pool := x509.NewCertPool()
	var found []Finding
	for _, c := range certs {
		pool.AddCert(c)
		found = append(found, expiry(s, "certificates.authorities", file, c))
	}
	return pool, found
}

func readCertificates(s *System, file string) (all []*x509.Certificate, err error) {
	rest, err := s.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no certificate in PEM form")
	}
	return all, nil
}

func broken(id, file string, err error) Finding {
	return Finding{
		Check: "certificates", ID: id, Severity: Error, Subject: file, What: err.Error(),
		Why: "Listeners and dialers that use the file are not made.", Remedy: "Look into it: openssl x509 -in " + file + " -noout -text",
	}
}

// pair checks a certificate with its key.
func pair(s *System, p Plan, roots *x509.CertPool) (found []Finding) {
	chain, err := readCertificates(s, p.Cert)
	if err != nil {
		return []Finding{broken("certificates.file", p.Cert, err)}
	}
	leaf := chain[0]
	found = append(found, expiry(s, "certificates.expiry", p.Cert, leaf), chained(s, p.Cert, chain, roots), named(p.Cert, leaf))
	if key, ok := leaf.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSA {
		found = append(found, Finding{
			Check: "certificates", ID: "certificates.key_size", Severity: Error, Subject: p.Cert,
			What:   fmt.Sprintf("the key is RSA with %d bits", key.N.BitLen()),
			Why:    "Spry's peers refuse RSA keys of less than 2048 bits.",
			Remedy: "Make a new key: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
		})
	}
	return append(found, key(s, p)...)
}

// expiry checks when a certificate is valid.
func expiry(s *System, id, subject string, c *x509.Certificate) Finding {
	now, _ := s.Clock()
	f := Finding{Check: "certificates", ID: id, Severity: OK, Subject: subject}
	until := c.NotAfter.UTC().Format(time.RFC3339)
	switch left := c.NotAfter.Sub(now); {
	case now.Before(c.NotBefore):
		f.Severity, f.What = Error, fmt.Sprintf("%s is valid only from %s on", who(c), c.NotBefore.UTC().Format(time.RFC3339))
		f.Why, f.Remedy = "Peers refuse it until then.", "Look at the clock of this machine, and at that of the authority."
	case left <= 0:
		f.Severity, f.What = Error, fmt.Sprintf("%s has expired on %s", who(c), until)
		f.Why, f.Remedy = "Peers refuse it.", "Renew it. Package certs and the command read changed files again without a restart."
	case left < soon:
		f.Severity, f.What = Warning, fmt.Sprintf("%s expires in %d days, on %s", who(c), int(left.Hours()/24), until)
		f.Why, f.Remedy = "Peers refuse it then, and nothing may remind you.", "Renew it, and let a program such as certbot or cert-manager do so from now on."
	default:
		f.What = fmt.Sprintf("%s is valid until %s", who(c), until)
	}
	return f
}

func who(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return c.Subject.String()
}

// chained checks whether peers can verify a certificate.
func chained(s *System, file string, chain []*x509.Certificate, roots *x509.CertPool) Finding {
	f := Finding{Check: "certificates", ID: "certificates.chain", Severity: OK, Subject: file}
	now, _ := s.Clock()
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	at := min(max(now.Unix(), chain[0].NotBefore.Unix()), chain[0].NotAfter.Unix()) // its time is another finding
	found, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: time.Unix(at, 0), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	from := "the authorities of the system"
	if roots != nil {
		from = "the authorities of --cacert"
	}
	if err != nil {
		f.Severity, f.What = Warning, "it does not lead to "+from+": "+err.Error()
		f.Why = "Peers that trust only those refuse it."
		f.Remedy = "Put the certificates between it and the authority into the file, after it, or name the authority by --cacert."
		return f
	}
	f.What = fmt.Sprintf("it leads to %s in %d steps", from, len(found[0])-1)
	return f
}

// named checks whether a certificate has names that dialers verify.
func named(file string, c *x509.Certificate) Finding {
	f := Finding{Check: "certificates", ID: "certificates.names", Severity: OK, Subject: file}
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	f.What = "it is for " + strings.Join(all, ", ")
	if len(all) == 0 {
		f.Severity, f.What = Warning, "it has no name of a host"
		f.Why = "Dialers verify the host of their URL, and a common name does not count: as a listener's certificate it is refused."
		f.Remedy = "Make it with names: -addext subjectAltName=DNS:host.example. One for dialers only needs none."
	}
	return f
}

// key checks a key and the permissions of its file.
func key(s *System, p Plan) (found []Finding) {
	file := p.Key
	if file == "" {
		file = p.Cert
	}
	f := Finding{Check: "certificates", ID: "certificates.key", Severity: OK, Subject: file, What: "it is the key of the certificate"}
	certPEM, err := s.ReadFile(p.Cert)
	var keyPEM []byte
	if err == nil {
		keyPEM, err = s.ReadFile(file)
	}
	if err == nil {
		_, err = tls.X509KeyPair(certPEM, keyPEM)
	}
	if err != nil {
		f.Severity, f.What = Error, err.Error()
		f.Why, f.Remedy = "Listeners and dialers with this certificate are not made.", "Name the key that the certificate was made for by --key."
	}
	found = append(found, f)
	info, err := s.Stat(file)
	if err != nil || s.UID < 0 {
		return found
	}
	f = Finding{Check: "certificates", ID: "certificates.permissions", Severity: OK, Subject: file, What: fmt.Sprintf("its permissions are %04o", info.Mode().Perm())}
	if info.Mode().Perm()&0o007 != 0 {
		f.Severity = Error
		f.What += ": every user may use it"
	} else if info.Mode().Perm()&0o020 != 0 {
		f.Severity = Warning
		f.What += ": its group may replace it"
	}
	if f.Severity != OK {
		f.Why, f.Remedy = "Whoever has the key can be taken for this program.", "chmod 640 "+file+", or 600"
	}
	return append(found, f)
}

// peer looks at the certificate that a listener shows.
func peer(ctx context.Context, s *System, a address, url string) Finding {
	f := Finding{Check: "certificates", ID: "certificates.peer", Severity: OK, Subject: a.url}
	report, err := s.Inspect(ctx, url)
	if report == nil || report.TLS == nil || report.TLS.Subject+report.TLS.Issuer == "" {
		if err == nil {
			err = errors.New("the peer shows no certificate")
		}
		f.Severity, f.What = Error, err.Error()
		f.Why, f.Remedy = "A connection with TLS fails.", "Look at the peer: spry inspect "+a.url
		return f
	}
	t := report.TLS
	now, _ := s.Clock()
	f.What = fmt.Sprintf("the certificate of %s, issued by %s for %s, is valid until %s", t.Subject, t.Issuer, strings.Join(t.Names, ", "), t.NotAfter.UTC().Format(time.RFC3339))
	switch left := t.NotAfter.Sub(now); {
	case err != nil:
		f.Severity = Error
		f.What += ", and is refused: " + err.Error()
		f.Why, f.Remedy = "Dials fail.", "Name the authority by --cacert, or the name in the certificate by --server-name; or give the peer another certificate."
	case !t.Verified:
		f.Severity = Error
		f.What += ", and is not verified"
		f.Why, f.Remedy = "Dials without --insecure fail.", "Name the authority by --cacert, or the name in the certificate by --server-name."
	case left < soon:
		f.Severity = Warning
		f.Why, f.Remedy = fmt.Sprintf("Dials fail in %d days.", int(left.Hours()/24)), "The peer's certificate must be renewed."
	}
	return f
}

// SPDX-License-Identifier: MIT

package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/sprymq/spry/internal/reasons"
	"github.com/sprymq/spry/internal/wire"
)

// securityError is handshakeError for the handshake of TLS.
func securityError(ctx context.Context, listening bool, err error) error {
	suspicion := ""
	if !listening {
		suspicion = "it may not speak TLS: dial without tls+, or check the port"
	}
	var header tls.RecordHeaderError
	switch {
	case ctx.Err() != nil:
		return handshakeError(ctx.Err(), suspicion)
	case errors.Is(err, os.ErrDeadlineExceeded): // the connection's deadline was faster than ctx
		return handshakeError(err, suspicion)
	case errors.As(err, &header):
		return &reasonError{reasons.Security, fmt.Errorf("%s (%w)", withoutTLS(header.RecordHeader[:], listening), err)}
	case errors.Is(err, io.EOF) && !listening:
		return &reasonError{reasons.Security, fmt.Errorf("the peer closed the connection within the handshake of TLS (%w): %s", err, suspicion)}
	}
	if remedy := tlsRemedy(err, listening); remedy != "" {
		err = fmt.Errorf("%w: %s", err, remedy)
	}
	return &reasonError{reasons.Security, err}
}

// withoutTLS says what a peer spoke instead of TLS, and the remedy.
func withoutTLS(first []byte, listening bool) string {
	name, spoken := wire.ForeignName(first)
	remedy := "check the port"
	switch {
	case name == "":
		name = "something else"
		fallthrough
	case spoken && listening:
		remedy = "dial tls+tcp:// there, or listen without tls+"
	case spoken:
		remedy = "dial without tls+, or listen on tls+tcp:// there"
	}
	return "the peer does not speak TLS, but " + name + ": " + remedy
}

// isAlert reports whether an error is a fatal alert that the peer sent. In TLS 1.3, a dialing end gets the one about its
// certificate when it reads, after its own handshake.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// tlsRemedy says what to do about a failed handshake of TLS, or "".
func tlsRemedy(err error, listening bool) string {
	if isAlert(err) {
		return alertRemedy(err)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch invalid.Reason {
		case x509.Expired:
			return "renew the peer's certificate, or correct the clock"
		case x509.IncompatibleUsage:
			if listening {
				return "issue it with the extended key usage clientAuth"
			}
			return "issue it with the extended key usage serverAuth"
		}
		return "issue the peer another certificate"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if listening {
			return "add the authority that signed it to ClientCAs"
		}
		return "add the authority that signed it to RootCAs"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "dial a name that it is for, or set ServerName"
	}
	return textRemedy(err.Error())
}

// textRemedy is about errors of crypto/tls that have no type.
func textRemedy(text string) string {
	for _, known := range []struct{ text, remedy string }{
		{"didn't provide a certificate", "give the dialing end a certificate"},
		{"offered only unsupported versions", "the peer must speak TLS 1.2 or later"},
		{"unsupported protocol version", "the peer must speak TLS 1.2 or later"},
		{"unsupported application protocols", "set the same NextProtos at both ends"},
		{"invalid signature by the", "the peer's key is not that of its certificate"},
	} {
		if strings.Contains(text, known.text) {
			return known.remedy
		}
	}
	return ""
}

// alertRemedy says what may be wrong at this end if the peer has sent an alert.
func alertRemedy(err error) string {
	text := err.Error()
	for _, known := range []struct{ text, remedy string }{
		{"certificate required", "the peer demands a certificate of this end: set Certificates"},
		{"unknown certificate authority", "the peer does not trust the authority that signed this end's certificate: add it there"},
		{"expired certificate", "the peer says that this end's certificate has expired: renew it"},
		{"revoked certificate", "the peer says that this end's certificate was revoked"},
		{"protocol version not supported", "the peer must speak TLS 1.2 or later"},
		{"no application protocol", "set the same NextProtos at both ends"},
		{"handshake failure", "the peer may demand a certificate, or a cipher suite that this end does not have: see its log"},
		{"certificate", "the peer does not accept this end's certificate: see its log"},
	} {
		if strings.Contains(text, known.text) {
			return known.remedy
		}
	}
	return "the peer ended the handshake of TLS: see its log"
}

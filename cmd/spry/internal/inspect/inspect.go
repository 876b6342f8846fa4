// SPDX-License-Identifier: MIT

// Package inspect finds out what listens at an address, with a handshake and nothing more: no message is sent
// or taken.
package inspect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/sprymq/spry/internal/wire/sp"
)

// The protocols that a peer may speak.
const (
	SP      = "sp"
	ZMTP    = "zmtp"
	HTTP    = "http"
	SSH     = "ssh"
	TLS     = "tls"
	Unknown = "unknown" // it answered something else
	Silent  = "silent"  // it took the connection and said nothing, or hung up
)

// Options of [Run].
type Options struct {
	TLS     *tls.Config   // for tls+tcp
	Timeout time.Duration // for connecting, and for each answer
}

// A Report is the result. Its JSON is the output of spry inspect --json.
type Report struct {
	URL       string  `json:"url"`
	Remote    string  `json:"remote"`
	Dialect   string  `json:"dialect"`
	Protocol  string  `json:"protocol,omitempty"`      // name, as in "rep"
	Number    uint16  `json:"number,omitempty"`        // the protocol's number
	Peer      string  `json:"talks_to,omitempty"`      // the protocol that it talks to
	Version   string  `json:"version,omitempty"`       // of the dialect
	ConnectUS float64 `json:"connect_us"`              // time to connect, in microseconds
	AnswerUS  float64 `json:"round_trip_us,omitempty"` // from the first byte sent to the answer
	TLS       *Cert   `json:"tls,omitempty"`
	ZMTP      *Hello  `json:"zmtp,omitempty"`   // of a port that speaks it, even beside another dialect
	Status    string  `json:"status,omitempty"` // http
	Server    string  `json:"server,omitempty"` // http
	Detail    string  `json:"detail,omitempty"`

	tlsInside bool // the peer speaks TLS, although the URL does not say so
}

// A probe is one way to make a peer talk. Each gets a connection of its own.
type probe struct {
	dialect string // that can answer it
	parts   [][]byte
}

// zmtpProbe makes a ZMTP peer identify itself: its mechanism once it knows the version, and, without security, the rest
// before it knows its peer. The end of the greeting comes later, because peers with security would close the connection.
func zmtpProbe() probe {
	hello := zmtpHello()
	return probe{ZMTP, [][]byte{hello[:signatureLen+1], hello[signatureLen+1:]}}
}

// probes in the order of use. The first does not complete the handshake of the Scalability Protocols: most listeners answer
// its first part, three bytes, and never attach a peer. The second part names a protocol that does not exist, for listeners
// that answer later.
func probes() []probe {
	list := []probe{
		{SP, [][]byte{[]byte("\x00SP"), {0, 0, 0, 0, 0}}},
		zmtpProbe(),
		{HTTP, [][]byte{[]byte("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")}},
	}
	// Last, real ones, for listeners that answer only their counterparts.
	for number := range uint16(0x100) {
		if _, known := sp.Lookup(number); known {
			list = append(list, probe{SP, [][]byte{sp.AppendHeader(nil, number)}})
		}
	}
	return list
}

// Run connects to url and reports. An error means that there was no connection, or no secure one; the report then has the
// partial result.
func Run(ctx context.Context, url string, o Options) (*Report, error) {
	report := &Report{URL: url, Dialect: Silent}
	if isWebSocket(url) {
		return report, report.lookUpgraded(ctx, o)
	}
	if err := report.look(ctx, o); err != nil {
		return report, err
	}
	if report.Dialect == TLS && !secure(url) {
		if _, err := report.lookInside(ctx, o); err != nil {
			return report, err
		}
	}
	if report.Dialect == SP { // the port may serve both families
		if found, err := report.try(ctx, zmtpProbe(), o); err == nil && found.zmtp != nil {
			report.ZMTP = found.zmtp
		}
	}
	if report.Dialect == Silent {
		report.Detail = "takes connections and answers nothing that is known here"
	}
	return report, ctx.Err()
}

// look tries the probes until one is answered.
func (r *Report) look(ctx context.Context, o Options) error {
	for i, probe := range probes() {
		if r.Dialect == ZMTP && probe.dialect != ZMTP {
			return nil // it has been asked in its own dialect
		}
		if probe.dialect == HTTP && !r.tlsInside && !secure(r.URL) { // a server of HTTPS answers HTTP, but only to complain
			if through, err := r.lookInside(ctx, o); through || err != nil {
				return err
			}
		}
		found, err := r.try(ctx, probe, o)
		if err != nil && (i == 0 || ctx.Err() != nil) {
			return err
		}
		if err != nil {
			return nil // it was there before: it turns us away after the first attempts
		}
		switch {
		case found.dialect == ZMTP && probe.dialect != ZMTP:
			r.fill(found) // only peers of its own protocol learn more
		case found.dialect != Silent:
			r.fill(found)
			return nil
		}
	}
	return nil
}

// lookInside examines the protocol inside TLS. Nothing changes if TLS fails.
func (r *Report) lookInside(ctx context.Context, o Options) (through bool, _ error) {
	inside := &Report{URL: r.URL, Remote: r.Remote, ConnectUS: r.ConnectUS, Dialect: Silent, tlsInside: true}
	if err := inside.look(ctx, o); err != nil {
		return false, ctx.Err()
	}
	*r = *inside
	return true, nil
}

// try runs one probe on one connection.
func (r *Report) try(ctx context.Context, p probe, o Options) (answer, error) {
	dialCtx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	start := time.Now()
	conn, err := dial(dialCtx, r.URL)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if r.Remote == "" {
		r.ConnectUS, r.Remote = microseconds(time.Since(start)), conn.RemoteAddr().String()
	}
	if secure(r.URL) || r.tlsInside {
		config := clientConfig(r.URL, o.TLS)
		if r.tlsInside {
			config = config.Clone()
			config.InsecureSkipVerify = true // the peer receives no secrets
		}
		t := tls.Client(conn, config)
		err := t.HandshakeContext(dialCtx)
		r.TLS = describe(t.ConnectionState(), err, config)
		if err != nil {
			return answer{}, fmt.Errorf("%s: TLS: %w", r.URL, err)
		}
		conn = t
	}

	var got []byte
	for i, part := range p.parts {
		start = time.Now()
		if conn.SetDeadline(start.Add(o.Timeout)) != nil {
			break
		}
		if _, err := conn.Write(part); err != nil {
			break // the peer closed the connection; its earlier bytes count
		}
		before := len(got)
		var at time.Time
		got, at, err = listen(conn, got, p.dialect, i == len(p.parts)-1)
		if before == 0 && len(got) > 0 {
			r.AnswerUS = microseconds(at.Sub(start))
		}
		if a, more := classify(got); len(got) > 0 && (!more || a.dialect != ZMTP || p.dialect != ZMTP) {
			break
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	a, _ := classify(got)
	return a, ctx.Err()
}

// listen reads until the peer's protocol is clear, or it is clear that it is not the asked one. at is the time of the first
// byte. A ZMTP peer that did not get a whole greeting sends no more than its own.
func listen(conn net.Conn, got []byte, asked string, all bool) (_ []byte, at time.Time, _ error) {
	buf := make([]byte, maxAnswer)
	for {
		n, err := conn.Read(buf[:maxAnswer-len(got)])
		if at.IsZero() {
			at = time.Now()
		}
		got = append(got, buf[:n]...)
		a, more := classify(got)
		greeted := a.dialect == ZMTP && (asked != ZMTP || !all && len(got) >= zmtpGreeting)
		if !more || greeted || len(got) == maxAnswer {
			return got, at, nil
		}
		if err != nil {
			return got, at, err
		}
		if n == 0 {
			return got, at, io.ErrNoProgress
		}
	}
}

func (r *Report) fill(a answer) {
	r.Dialect, r.Version, r.Detail = a.dialect, a.version, a.detail
	r.ZMTP, r.Status, r.Server = a.zmtp, a.status, a.server
	if a.dialect != SP || a.version == "" {
		return
	}
	r.Number = a.protocol
	if p, known := sp.Lookup(a.protocol); known {
		r.Protocol, r.Peer = p.Name, p.PeerName
	} else {
		r.Protocol = fmt.Sprintf("0x%04x", a.protocol)
	}
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

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
	"github.com/sprymq/spry/transport"
)

// What a peer may turn out to speak.
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

// A Report is what was found. Its JSON is the output of spry inspect --json.
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
	Detail    string  `json:"detail,omitempty"`
}

// A probe is one way to make a peer talk. Each gets a connection of its own.
type probe struct {
	dialect string // that can answer it
	parts   [][]byte
}

// probes in the order in which they are tried. The first does not complete the handshake of the Scalability
// Protocols: most listeners answer its first part, three bytes, and never learn of a peer. The second part
// names a protocol that does not exist, for those that want to know more before they answer.
func probes() []probe {
	list := []probe{
		{SP, [][]byte{[]byte("\x00SP"), {0, 0, 0, 0, 0}}},
		{ZMTP, [][]byte{zmtpHello()}},
		{HTTP, [][]byte{[]byte("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")}},
	}
	// Last, real ones, for listeners that answer nobody but their like.
	for number := range uint16(0x100) {
		if _, known := sp.Lookup(number); known {
			list = append(list, probe{SP, [][]byte{sp.AppendHeader(nil, number)}})
		}
	}
	return list
}

// zmtpHello is a greeting of ZMTP 3.0 with the NULL mechanism.
func zmtpHello() []byte {
	b := make([]byte, zmtpGreeting)
	b[0], b[8], b[9], b[10] = 0xff, 1, 0x7f, 3
	copy(b[12:], "NULL")
	return b
}

// Run connects to url and reports. An error means that there was no connection, or no secure one; the report
// then has what is known.
func Run(ctx context.Context, url string, o Options) (*Report, error) {
	report := &Report{URL: url, Dialect: Silent}
	for i, probe := range probes() {
		if report.Dialect == ZMTP && probe.dialect != ZMTP {
			break // it has been asked in its own dialect
		}
		found, err := report.try(ctx, probe, o)
		if err != nil && (i == 0 || ctx.Err() != nil) {
			return report, err
		}
		if err != nil {
			break // it was there before: it turns us away after the first attempts
		}
		if found.dialect == ZMTP && probe.dialect != ZMTP {
			report.fill(found) // the version is told only to those who speak it
			continue
		}
		if found.dialect != Silent {
			report.fill(found)
			break
		}
	}
	if report.Dialect == Silent {
		report.Detail = "takes connections and answers nothing that is known here"
	}
	return report, nil
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
	if secure(r.URL) {
		t := tls.Client(conn, clientConfig(r.URL, o.TLS))
		err := t.HandshakeContext(dialCtx)
		r.TLS = describe(t.ConnectionState(), err)
		if err != nil {
			return answer{}, fmt.Errorf("%s: TLS: %w", r.URL, err)
		}
		conn = t
	}

	var got []byte
	for _, part := range p.parts {
		start = time.Now()
		if conn.SetDeadline(start.Add(o.Timeout)) != nil {
			break
		}
		if _, err := conn.Write(part); err != nil {
			break // it hung up; what it said before is what counts
		}
		var at time.Time
		got, at, err = listen(conn, got)
		if len(got) > 0 {
			r.AnswerUS = microseconds(at.Sub(start))
			break
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	a, _ := classify(got)
	return a, ctx.Err()
}

// listen reads until it is clear what the peer speaks. at is when the first byte came.
func listen(conn net.Conn, got []byte) (_ []byte, at time.Time, _ error) {
	buf := make([]byte, maxAnswer)
	for {
		n, err := conn.Read(buf[:maxAnswer-len(got)])
		if len(got) == 0 {
			at = time.Now()
		}
		got = append(got, buf[:n]...)
		if _, more := classify(got); !more || len(got) == maxAnswer {
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

// secure tells whether a URL's scheme has TLS.
func secure(url string) bool {
	u, err := transport.ParseURL(url)
	return err == nil && isTLS(u.Scheme)
}

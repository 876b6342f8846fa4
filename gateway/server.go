// SPDX-License-Identifier: MIT

package gateway

import (
	"net/http"
	"time"
)

const (
	maxHeader         = 16 << 10
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	writeTimeout      = 10 * time.Second // in which a connection of HTTP/2 takes something
	maxStreams        = 250              // of one connection of HTTP/2
)

// NewServer returns a server for handlers of this package, with limits for the work before them. A header has at most 16 KiB and
// arrives within 10 s. An idle connection ends after 2 minutes. A connection of HTTP/2 has at most 250 requests at one time, and ends
// if it takes nothing for 10 s or does not answer a ping. The server speaks HTTP/1.1, and HTTP/2 with and without TLS, which [Stream]
// needs. The application sets Addr, TLSConfig and whatever else it wants.
//
// The server sets no limits for bodies and answers, because streams are both: the handlers do.
func NewServer(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h, Protocols: protocols, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: writeTimeout},
	}
}

// SPDX-License-Identifier: MIT

package stream

import (
	"context"

	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/transport"
)

// DialMessages is [Dial] for a URL with a protocol of messages over the layers of bytes, and perhaps layers of messages over that:
//
//	ws+tls+tcp://example.com:443?ws-path=/feed&ws-subprotocol=chat   WebSocket; the path defaults to /
//	prefix+tcp://example.com:7?prefix=2                              sizes of 1 to 8 bytes, by default 4: see [Prefix]
//	lines+throttle+tcp://example.com:7?throttle=1MB/s                lines: see [Lines]
//	throttle+ws+tcp://example.com:80?message-throttle=100/s          100 messages a second: see [ThrottleMessages]
//	trace+lines+tcp://example.com:7                                  reports messages to DialOptions.Trace: see [TraceMessages]
//	fault+prefix+tcp://example.com:7?message-fault-loss=0.1          see [FaultMessages]
//
// The rate has separate parameters message-throttle-receive and message-throttle-send, too. The other faults are
// message-fault-delay=10ms, message-fault-stall and message-fault-cut, which are numbers of messages, and message-fault-seed.
//
// ws-format=text makes the messages of a WebSocket text. message-limit is the size of the largest message that is received, 16 MiB
// by default. At the other end is [ListenMessages], or a program that attaches the protocol itself.
func DialMessages(ctx context.Context, url string, o *DialOptions) (*Messages, error) {
	u, err := transport.ParseURL(url)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &DialOptions{}
	}
	s, err := parseMessages(u, setup{trace: o.Trace})
	if err != nil {
		return nil, err
	}
	b, err := Dial(ctx, s.below.String(), o)
	if err != nil {
		return nil, urls.Rename(err, s.below, u)
	}
	return s.attach(ctx, b)
}

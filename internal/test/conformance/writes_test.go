// SPDX-License-Identifier: MIT

package conformance_test

import (
	"context"
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
)

// A gatedConn counts writes, and the TLS records in them. Its gate may hold them back.
type gatedConn struct {
	net.Conn
	tls             bool
	gate            atomic.Pointer[chan struct{}]
	writes, records atomic.Int64
}

func (c *gatedConn) Write(p []byte) (int, error) {
	if gate := c.gate.Load(); gate != nil {
		<-*gate
	}
	c.writes.Add(1)
	for b := p; c.tls && len(b) > 0; c.records.Add(1) { // a write has whole records
		b = b[min(len(b), 5+int(binary.BigEndian.Uint16(b[3:]))):]
	}
	return c.Conn.Write(p)
}

// Small messages that are queued together are written together: with few writes, and in few TLS records.
func TestSmallMessagesAreWrittenTogether(t *testing.T) {
	const messages, size, mostWrites, mostRecords = 8000, 64, 40, 80
	transports := []transport.Transport{tcp.Transport{}, tlstcp.Transport{}, ws.Transport{}}
	for _, scheme := range []string{"tcp", "tls+tcp", "ws", "wss", "zmtp+tcp", "zmtp+tls+tcp", "zmtp+ws", "zmtp+wss"} {
		t.Run(scheme, func(t *testing.T) {
			ctx := testkit.Watchdog(t)
			o := spry.Options{Name: t.Name(), Transports: transports}
			push, pull := spry.NewPush(&spry.PushOptions{Options: o}), spry.NewPull(&spry.PullOptions{Options: o})
			d := testkit.DialerTo(testkit.ListenOn(t, pull, scheme))
			var conn gatedConn
			d.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, address)
				conn.Conn, conn.tls = c, d.TLS != nil
				return &conn, err
			}
			_, err := push.DialWith(ctx, d)
			testkit.Check(t, err)
			gate := make(chan struct{})
			conn.gate.Store(&gate)
			writes, records := conn.writes.Load(), conn.records.Load()
			for range messages {
				testkit.Check(t, push.Send(ctx, make([]byte, size)))
			}
			close(gate)
			for range messages {
				_, err := pull.Recv(ctx)
				testkit.Check(t, err)
			}
			testkit.Check(t, push.Flush(ctx))
			writes, records = conn.writes.Load()-writes, conn.records.Load()-records
			t.Logf("%d messages: %d writes, %d records", messages, writes, records)
			if writes > mostWrites || records > mostRecords {
				t.Errorf("%d messages: %d writes and %d TLS records, want at most %d and %d", messages, writes, records, mostWrites, mostRecords)
			}
			testkit.Shut(t, push, pull)
		})
	}
}

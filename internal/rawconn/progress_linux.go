// SPDX-License-Identifier: MIT

package rawconn

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// EndReceived reports whether the peer's end of the stream has arrived, even if data before it is unread.
func EndReceived(c net.Conn) (ended bool) {
	if raw := descriptor(c); raw != nil {
		_ = raw.Control(func(fd uintptr) {
			events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
			n, err := unix.Poll(events, 0)
			ended = n > 0 && err == nil
		})
	}
	return ended
}

// systemProgress asks the kernel about a socket. A peer of a unix socket owes nothing: its process would not have the socket
// any more if it did not live.
func systemProgress(c net.Conn) (p Progress) {
	raw := descriptor(c)
	if raw == nil {
		return p
	}
	_, tcp := c.(*net.TCPConn)
	_ = raw.Control(func(fd uintptr) { // an error leaves unknown values at zero: the connection has ended, and a read reports it
		p.Queued, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
		p.Unread, _ = unix.IoctlGetInt(int(fd), unix.SIOCINQ)
		if !tcp {
			p.Local = true
			return
		}
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		// Segments in flight that were sent before the last acknowledgement do not count: a peer without room acknowledges
		// data that it must drop, and the next attempt may be minutes away. So may the next probe of a closed window.
		p.Owed = info.Probes > 0 || info.Unacked > 0 && info.Last_data_sent < info.Last_ack_recv
		p.Quiet = time.Duration(info.Last_ack_recv) * time.Millisecond
	})
	return p
}

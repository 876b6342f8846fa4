// SPDX-License-Identifier: MIT

package peers

import (
	"net"
	"strings"

	"github.com/sprymq/spry/bench/internal/worker"
)

// Buffers of the mode tuned, found by trying 192 KiB to 2 MiB. raw_stream.h has the same. Other flows keep the system's send buffer.
const (
	tunedUnixBuffer = 1 << 20   // from 8 KiB a message on
	tunedTCPBuffer  = 192 << 10 // from 1 MiB a message on
	tunedUnixFrom   = 8 << 10
	tunedTCPFrom    = 1 << 20
	tunedReadBytes  = 1 << 20 // over Unix sockets, from 64 KiB a message on
	tunedReadFrom   = 64 << 10
)

// rawModesOnly refuses modes of a flow that there are not.
func rawModesOnly(s worker.Settings) error {
	if s.Mode != "plain" && s.Mode != "tuned" {
		return worker.ErrNotApplicable
	}
	return nil
}

// rawTune sets the send buffer of a flow's connection.
func rawTune(conn net.Conn, s worker.Settings) error {
	if s.Mode != "tuned" {
		return nil
	}
	switch conn := conn.(type) {
	case *net.UnixConn:
		if s.Size >= tunedUnixFrom {
			return conn.SetWriteBuffer(tunedUnixBuffer)
		}
	case *net.TCPConn:
		if s.Size >= tunedTCPFrom {
			return conn.SetWriteBuffer(tunedTCPBuffer)
		}
	}
	return nil
}

// rawReadSize is how much a flow's receiver reads at once.
func rawReadSize(s worker.Settings) int {
	if s.Mode == "tuned" && s.Size >= tunedReadFrom && strings.HasPrefix(s.URL, "ipc:") {
		return tunedReadBytes
	}
	return rawReadBytes
}

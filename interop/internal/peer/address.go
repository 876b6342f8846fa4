// SPDX-License-Identifier: MIT

package peer

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Tools cannot report their port, so tests choose ports: below those that kernels give to dialing sockets, and starting at a
// place that differs between processes.
const (
	firstPort = 20000
	portCount = 10000
)

var (
	nextPort = func() *atomic.Uint32 {
		var n atomic.Uint32
		n.Store(uint32(os.Getpid()*101) % portCount)
		return &n
	}()
	nextPath atomic.Uint32
)

// TCPAddress returns a host and port on the IPv4 loopback interface that nothing listens on.
func TCPAddress(t testing.TB) string {
	t.Helper()
	return FreePort(t, "127.0.0.1")
}

// FreePort returns host with a port that nothing listens on.
func FreePort(t testing.TB, host string) string {
	t.Helper()
	for range portCount {
		address := net.JoinHostPort(host, strconv.Itoa(firstPort+int(nextPort.Add(1)%portCount)))
		// Listening would be the better probe, but a process that another test starts at the same time could
		// hold the listener for a moment after it was closed here.
		if accepts("tcp", address) {
			continue // taken by another process
		}
		return address
	}
	t.Fatal("no free tcp port")
	return ""
}

// SocketPath returns a fresh path for an ipc socket in folder, which must be short: such paths are limited to about
// 100 bytes.
func SocketPath(folder string) string {
	return filepath.Join(folder, fmt.Sprintf("%d.sock", nextPath.Add(1)))
}

// WaitListening waits until a process listens at a URL with a tcp port or an ipc path. If the system can report that, it
// does not connect, because a probe would look like a peer.
func WaitListening(t testing.TB, url string) {
	t.Helper()
	for deadline := time.Now().Add(Watchdog); !listening(t, url); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing listens at %s", url)
		}
	}
}

func listening(t testing.TB, url string) bool {
	t.Helper()
	scheme, address, _ := strings.Cut(url, "://")
	switch scheme {
	case "abstract":
		address = "@" + address // as the table and package net write it
		fallthrough
	case "ipc", "unix":
		if table, err := os.ReadFile("/proc/net/unix"); err == nil {
			return unixListens(table, address)
		}
		return accepts("unix", address)
	}
	address, _, _ = strings.Cut(address, "/") // the path of a WebSocket
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	ipv4, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return accepts("tcp", address)
	}
	ipv6, _ := os.ReadFile("/proc/net/tcp6") // absent where IPv6 is off
	return tcpListens(ipv4, port) || tcpListens(ipv6, port)
}

// unixListens looks for a listening path in the format of /proc/net/unix.
func unixListens(table []byte, path string) bool {
	const acceptsConnections = "00010000"
	for line := range bytes.Lines(table) {
		// Num RefCount Protocol Flags Type St Inode Path
		f := strings.Fields(string(line))
		if len(f) == 8 && f[3] == acceptsConnections && f[7] == path {
			return true
		}
	}
	return false
}

// tcpListens looks for a listening port in the format of /proc/net/tcp.
func tcpListens(table []byte, port string) bool {
	const listen = "0A"
	n, err := strconv.Atoi(port)
	if err != nil {
		return false
	}
	suffix := fmt.Sprintf(":%04X", n)
	for line := range bytes.Lines(table) {
		// sl local_address rem_address st ...
		f := strings.Fields(string(line))
		if len(f) > 3 && f[3] == listen && strings.HasSuffix(f[1], suffix) {
			return true
		}
	}
	return false
}

// accepts probes an address by connecting to it.
func accepts(network, address string) bool {
	c, err := net.Dial(network, address)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

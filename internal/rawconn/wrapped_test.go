// SPDX-License-Identifier: MIT

package rawconn

import (
	"net"
	"testing"
)

// A connection that has a Read and a Write of its own is read and written by those, although a descriptor can be had of
// it.
func TestWrappedConnectionsAreNotPassedBy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wrapped := struct{ *net.TCPConn }{c.(*net.TCPConn)}
	if NewWriter(wrapped) != nil || NewReader(wrapped, nil) != nil {
		t.Error("a wrapped connection is read or written past its wrapper")
	}
}

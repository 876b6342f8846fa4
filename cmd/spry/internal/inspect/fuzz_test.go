// SPDX-License-Identifier: MIT

package inspect

import "testing"

// Whatever a port sends, it is classified, and more bytes never turn one dialect that is settled into another.
func FuzzClassify(f *testing.F) {
	f.Add([]byte("\x00SP\x00\x00\x31\x00\x00"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"))
	f.Add([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05"))
	f.Add(append(zmtpHello(), "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03REP"...))
	f.Add(append(zmtpHello(), "\x06\xff\xff\xff\xff\xff\xff\xff\xff\x05READY"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for n := range b {
			before, more := classify(b[:n])
			if after, _ := classify(b); !more && after.dialect != before.dialect {
				t.Errorf("% x is %s, and % x is %s", b[:n], before.dialect, b, after.dialect)
			}
		}
	})
}

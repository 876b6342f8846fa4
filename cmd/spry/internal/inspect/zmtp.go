// SPDX-License-Identifier: MIT

package inspect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/sprymq/spry/internal/wire/zmtp"
)

// A Hello is the introduction of a ZMTP peer. A peer with security sends the rest only to authenticated clients.
type Hello struct {
	Version   string            `json:"version"`
	Mechanism string            `json:"mechanism,omitempty"` // NULL, PLAIN, CURVE
	AsServer  bool              `json:"as_server,omitempty"` // its role in the mechanism
	Socket    string            `json:"socket,omitempty"`    // ROUTER
	Identity  string            `json:"identity,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"` // further properties
}

// A greeting of ZMTP 3, and where things are in it.
const (
	zmtpGreeting   = 64
	signatureLen   = 10
	mechanismStart = 12
	mechanismEnd   = 32 // where the role is
	revisionV2     = 1  // the byte that ZMTP 2.0 has where the major version is
)

// zmtpHello is a greeting of ZMTP 3.0 with the NULL mechanism.
func zmtpHello() []byte {
	b := make([]byte, zmtpGreeting)
	b[0], b[8], b[9], b[10] = 0xff, 1, 0x7f, 3
	copy(b[mechanismStart:], "NULL")
	return b
}

// classifyZMTP reads a greeting of ZMTP: signature and version, then the socket type of ZMTP 2.0 or, from version 3 on, the
// security mechanism and, without security, the peer's properties.
func classifyZMTP(b []byte) (answer, bool) {
	a := answer{dialect: ZMTP}
	switch {
	case len(b) < signatureLen:
		return a, true
	case b[9] != 0x7f:
		return answer{dialect: Unknown, detail: fmt.Sprintf("answered % x", b[:signatureLen])}, false
	case len(b) < signatureLen+1:
		return a, true
	case b[10] < 3:
		a.version = fmt.Sprintf("%d.0", b[10])
		if b[10] == revisionV2 {
			a.version = "2.0"
		}
		a.zmtp = &Hello{Version: a.version}
		if len(b) > signatureLen+1 {
			a.zmtp.Socket = strings.ToUpper(zmtp.NameOf(zmtp.Socket(b[11]).Number()))
		}
		return a, len(b) < signatureLen+2
	case len(b) < zmtpGreeting:
		a.version = fmt.Sprint(b[10])
		return a, true
	}
	a.version = fmt.Sprintf("%d.%d", b[10], b[11])
	a.zmtp = &Hello{
		Version: a.version, AsServer: b[mechanismEnd] != 0,
		Mechanism: string(bytes.TrimRight(b[mechanismStart:mechanismEnd], "\x00")),
	}
	if a.zmtp.Mechanism != "NULL" {
		a.detail = "tells its socket type only to peers that it lets in"
		return a, false
	}
	more := a.zmtp.introduction(b[zmtpGreeting:])
	if more {
		a.detail = "does not tell its socket type"
	}
	return a, more
}

// introduction reads the READY command of a peer without security. more means that it is incomplete.
func (h *Hello) introduction(frame []byte) (more bool) {
	const long, command = 2, 4
	if len(frame) < 2 {
		return true
	}
	size, body := uint64(frame[1]), frame[2:]
	if frame[0]&long != 0 {
		if len(frame) < 9 {
			return true
		}
		size, body = binary.BigEndian.Uint64(frame[1:]), frame[9:]
	}
	if frame[0]&command == 0 || size > maxAnswer {
		return false
	}
	if uint64(len(body)) < size {
		return true
	}
	properties, ready := bytes.CutPrefix(body[:size], []byte("\x05READY"))
	for ready && len(properties) > 0 {
		name, rest, ok := cutSized(properties, 1)
		value, rest, valued := cutSized(rest, 4)
		if !ok || !valued {
			break
		}
		h.property(string(name), string(value))
		properties = rest
	}
	return false
}

// property records a property of the peer. Of repeated ones, the last counts.
func (h *Hello) property(name, value string) {
	switch {
	case strings.EqualFold(name, "Socket-Type"):
		h.Socket = value
	case strings.EqualFold(name, "Identity"):
		h.Identity = value
	default:
		if h.Metadata == nil {
			h.Metadata = map[string]string{}
		}
		h.Metadata[name] = value
	}
}

// cutSized takes a text off b, before which are some bytes with its length.
func cutSized(b []byte, lengthBytes int) (text, rest []byte, ok bool) {
	if len(b) < lengthBytes {
		return nil, nil, false
	}
	size := uint64(0)
	for _, digit := range b[:lengthBytes] {
		size = size<<8 | uint64(digit)
	}
	if b = b[lengthBytes:]; size > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}

// SPDX-License-Identifier: MIT

package inspect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/sprymq/spry/internal/wire/sp"
)

// answer is the meaning of a peer's first bytes.
type answer struct {
	dialect  string
	protocol uint16 // sp
	version  string
	detail   string
	zmtp     *Hello
	status   string // http
	server   string // http
}

// maxAnswer is the number of bytes of a peer's answer that are used.
const maxAnswer = 8 << 10

// classify determines a peer's protocol by its first bytes. more means that further bytes may say more; a caller without
// further bytes uses the answer as it is.
func classify(b []byte) (a answer, more bool) {
	switch {
	case len(b) == 0:
		return answer{dialect: Silent}, true
	case bytes.HasPrefix(b, []byte("\x00SP")) || bytes.HasPrefix([]byte("\x00SP"), b):
		return classifySP(b)
	case b[0] == 0xff:
		return classifyZMTP(b)
	case bytes.HasPrefix(b, []byte("HTTP/")):
		return classifyHTTP(b)
	case bytes.HasPrefix(b, []byte("SSH-")):
		line, _, whole := bytes.Cut(b, []byte("\n"))
		return answer{dialect: SSH, detail: fmt.Sprintf("introduced itself as %q", bytes.TrimSpace(line))}, !whole
	case len(b) >= 3 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3:
		return answer{dialect: TLS, detail: "answered with a TLS record; try tls+tcp://"}, false
	}
	return answer{dialect: Unknown, detail: fmt.Sprintf("answered %q", b[:min(len(b), 32)])}, len(b) < 8
}

// classifySP reads the header of the Scalability Protocols.
func classifySP(b []byte) (answer, bool) {
	if len(b) < sp.HeaderLen {
		return answer{dialect: SP, detail: fmt.Sprintf("sent only % x, the beginning of a header", b)}, true
	}
	a := answer{dialect: SP, protocol: binary.BigEndian.Uint16(b[4:6]), version: fmt.Sprint(b[3])}
	if b[6] != 0 || b[7] != 0 {
		a.detail = fmt.Sprintf("the reserved bytes are % x, and must be zero", b[6:8])
	}
	return a, false
}

// classifyHTTP reads the status and the server's name.
func classifyHTTP(b []byte) (answer, bool) {
	head, _, whole := bytes.Cut(b, []byte("\r\n\r\n"))
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	version, status, _ := strings.Cut(string(line), " ")
	a := answer{dialect: HTTP, version: strings.TrimPrefix(version, "HTTP/"), status: status}
	for field := range bytes.SplitSeq(rest, []byte("\r\n")) {
		name, value, _ := bytes.Cut(field, []byte(":"))
		if strings.EqualFold(string(name), "server") {
			a.server = string(bytes.TrimSpace(value))
		}
	}
	return a, !whole
}

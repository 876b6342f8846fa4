// SPDX-License-Identifier: MIT

package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/transport"
)

// version of what both sides say on the control connection.
const version = 1

// A request asks for a run, or for the end of one.
type request struct {
	Version int    `json:"spry_bench"`
	Start   *Work  `json:"start,omitempty"`
	Finish  uint64 `json:"finish,omitempty"` // number of the run: stop sending, and report the counters
}

// A reply answers both.
type reply struct {
	Version int    `json:"spry_bench"`
	Error   string `json:"error,omitempty"`

	// Of a start: the run's number, and where its data socket listens.
	Run uint64 `json:"run,omitempty"`
	URL string `json:"url,omitempty"`

	// Of a finish: messages that the server received, or sent, in the measured part.
	Messages int64   `json:"messages,omitempty"`
	Seconds  float64 `json:"seconds,omitempty"`
}

// maxControl limits the size of a control message.
const maxControl = 64 << 10

func decode[T any](body []byte, v *T, versionOf func(*T) int) error {
	if len(body) > maxControl || json.Unmarshal(body, v) != nil || versionOf(v) == 0 {
		return errors.New("the peer is no spry bench")
	}
	if got := versionOf(v); got != version {
		return fmt.Errorf("the peer's spry bench speaks version %d, this one %d: both sides must be the same command", got, version)
	}
	return nil
}

func decodeRequest(body []byte) (r request, err error) {
	err = decode(body, &r, func(r *request) int { return r.Version })
	return r, err
}

func decodeReply(body []byte) (r reply, err error) {
	if err = decode(body, &r, func(r *reply) int { return r.Version }); err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	return r, err
}

// dataAddress is the server's default address for data: a free port, or a path beside the control socket.
func dataAddress(control string) (string, error) {
	u, err := transport.ParseURL(control)
	if err != nil {
		return "", err
	}
	file, rest, overFile := strings.Cut(u.Address, ":/") // of a WebSocket over a Unix socket
	switch {
	case hasPort(u):
		u.Address = host(u) + ":0" + path(u)
	case overFile && (strings.Contains(u.Scheme, "ws+") || strings.Contains(u.Scheme, "wss+")):
		u.Address = file + "-data:/" + rest
	default:
		u.Address += "-data"
	}
	return u.String(), nil
}

// dataURL is the address of the data socket for a client: the host that it dialed, with the port that the server announced.
func dataURL(dialed, announced string) (string, error) {
	if err := endpoint.Check(announced); err != nil {
		return "", fmt.Errorf("the server announced an invalid data address: %w", err)
	}
	from, err := transport.ParseURL(dialed)
	if err != nil {
		return "", err
	}
	to, err := transport.ParseURL(announced)
	if err != nil {
		return "", err
	}
	if hasPort(from) && hasPort(to) {
		to.Address = host(from) + strings.TrimPrefix(to.Address, host(to))
	}
	return to.String(), nil
}

// hasPort reports whether an address is a host and a port, and not a name or a path.
func hasPort(u transport.URL) bool {
	return strings.HasPrefix(u.Base(), "tcp") || u.Base() == "ws" || u.Base() == "wss"
}

// host is the part before the port.
func host(u transport.URL) string {
	authority := strings.TrimSuffix(u.Address, path(u))
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		return authority[:i]
	}
	return authority
}

// path is the part behind the port, of a WebSocket.
func path(u transport.URL) string {
	if i := strings.IndexAny(u.Address, "/?"); i >= 0 {
		return u.Address[i:]
	}
	return ""
}

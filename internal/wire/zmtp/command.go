// SPDX-License-Identifier: MIT

package zmtp

import (
	"encoding/binary"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/wire"
)

// The names of the commands after the handshake.
const (
	nameSubscribe = "SUBSCRIBE"
	nameCancel    = "CANCEL"
	nameJoin      = "JOIN"
	nameLeave     = "LEAVE"
	namePing      = "PING"
	namePong      = "PONG"
	nameError     = "ERROR"
)

// plainErrorOfLibzmq is how libzmq's PLAIN server spells the head of ERROR, up to 4.3.4 at least: 5e stands for the name's
// length and its first letter.
const plainErrorOfLibzmq = "\x5eRROR"

const (
	maxPingContext = 16
	maxPingTTL     = 655 // libzmq multiplies by 100 in 16 bits: a larger one would be a very short one
	maxGroup       = 255
)

// parseCommand takes the body of a command frame apart.
func parseCommand(body []byte) (name, data []byte, err error) {
	if len(body) == 0 || body[0] == 0 || int(body[0]) > len(body)-1 {
		return nil, nil, wire.Errorf(reasons.Command,
			"peer sent a command of %d bytes in which no name fits: check its framing", len(body))
	}
	end := 1 + int(body[0])
	return body[1:end], body[end:], nil
}

func appendName(dst []byte, name string) []byte {
	return append(append(dst, byte(len(name))), name...)
}

// appendCommand appends a whole command frame.
func appendCommand(dst []byte, name string, data ...[]byte) []byte {
	size := 1 + len(name)
	for _, d := range data {
		size += len(d)
	}
	dst = appendName(appendHead(dst, flagCommand, size), name)
	for _, d := range data {
		dst = append(dst, d...)
	}
	return dst
}

// parseControl turns a command of the time after the handshake into an event. Commands that are not known
// have ok false and are to be ignored.
func parseControl(body []byte) (c wire.Control, ok bool, err error) {
	name, data, err := parseCommand(body)
	if err != nil {
		return c, false, err
	}
	c.Data = data
	switch string(name) {
	case nameSubscribe:
		c.Kind = wire.ControlSubscribe
	case nameCancel:
		c.Kind = wire.ControlCancel
	case nameJoin, nameLeave:
		if c.Kind = wire.ControlJoin; string(name) == nameLeave {
			c.Kind = wire.ControlLeave
		}
		if len(data) > maxGroup {
			return c, false, wire.Errorf(reasons.Command,
				"peer named a group of %d bytes and at most %d are possible: shorten it", len(data), maxGroup)
		}
	case namePing:
		if len(data) < 2 {
			return c, false, wire.Errorf(reasons.Command, "peer sent a PING without a TTL: check its heartbeats")
		}
		c.Kind, c.TTL, c.Data = wire.ControlPing, binary.BigEndian.Uint16(data), cut(data[2:], maxPingContext)
	case namePong:
		c.Kind, c.Data = wire.ControlPong, cut(data, maxPingContext)
	case nameError:
		c.Kind, c.Data = wire.ControlError, []byte(parseReason(data))
	default:
		return c, false, nil
	}
	return c, true, nil
}

func cut(data []byte, most int) []byte { return data[:min(len(data), most)] }

// parseReason reads what an ERROR says, as far as it is there.
func parseReason(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	return string(cut(data[1:], int(data[0])))
}

// appendControlBody appends the command of an event without a frame's head, or nothing if there is none.
func appendControlBody(dst []byte, c wire.Control) []byte {
	switch c.Kind {
	case wire.ControlSubscribe:
		return append(appendName(dst, nameSubscribe), c.Data...)
	case wire.ControlCancel:
		return append(appendName(dst, nameCancel), c.Data...)
	case wire.ControlJoin:
		return append(appendName(dst, nameJoin), c.Data...)
	case wire.ControlLeave:
		return append(appendName(dst, nameLeave), c.Data...)
	case wire.ControlPing:
		dst = binary.BigEndian.AppendUint16(appendName(dst, namePing), min(c.TTL, maxPingTTL))
		return append(dst, cut(c.Data, maxPingContext)...)
	case wire.ControlPong:
		return append(appendName(dst, namePong), cut(c.Data, maxPingContext)...)
	case wire.ControlError:
		reason := cut(c.Data, maxShort)
		return append(append(appendName(dst, nameError), byte(len(reason))), reason...)
	default:
		return dst
	}
}

// SPDX-License-Identifier: MIT

package testkit

import (
	"encoding/binary"
	"strings"
)

// Bytes that peers of ZMTP send.
const (
	ZMTPSignature = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f"
	ZMTPCommand   = "\x04" // the flags of a short command
)

// Greeting is 64 bytes; the mechanism is padded with zeros.
func Greeting(version, mechanism string, asServer byte) string {
	return ZMTPSignature + version + mechanism + strings.Repeat("\x00", 20-len(mechanism)) + string([]byte{asServer}) + strings.Repeat("\x00", 31)
}

// Greet is the greeting of a peer of ZMTP 3.1 without security.
var Greet = Greeting("\x03\x01", "NULL", 0)

// ShortFrame is a frame with a length of one byte.
func ShortFrame(flags, body string) string { return flags + string([]byte{byte(len(body))}) + body }

// LongFrame begins a frame of size bytes.
func LongFrame(flags byte, size uint64, body string) string {
	return string(binary.BigEndian.AppendUint64([]byte{flags | 2}, size)) + body
}

// Command is a short command.
func Command(name, data string) string {
	return ShortFrame(ZMTPCommand, string([]byte{byte(len(name))})+name+data)
}

// Property is one of a READY command.
func Property(name, value string) string {
	return string([]byte{byte(len(name))}) + name + string(binary.BigEndian.AppendUint32(nil, uint32(len(value)))) + value
}

// ReadyAs is the READY command of a socket's type, with more properties.
func ReadyAs(socket string, properties ...string) string {
	return Command("READY", Property("Socket-Type", socket)+strings.Join(properties, ""))
}

// OpenAs is all that a peer of ZMTP 3.1 says before its messages.
func OpenAs(socket string, properties ...string) string {
	return Greet + ReadyAs(socket, properties...)
}

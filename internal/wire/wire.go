// SPDX-License-Identifier: MIT

// Package wire is the interface between the engine and the dialects, which give the bytes of a connection their meaning.
//
// A dialect is pure: its input is bytes, and its output is bytes and decoded messages. It does no I/O, never blocks, reads
// no clock and knows no socket. So everything in it can be fuzzed.
package wire

import (
	"errors"
	"fmt"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/transport"
)

// An Envelope is the kind of routing header that a protocol puts before a message's body.
type Envelope uint8

const (
	EnvelopeNone      Envelope = iota // body only
	EnvelopeHops                      // a hop count: PAIR 1
	EnvelopeBacktrace                 // pipe ids up to a request id: REQ, REP, SURVEYOR, RESPONDENT
)

// A Config is the initial state of one connection's session.
type Config struct {
	// Hello names the local protocol and its counterpart. Alternatives are the protocols that a listener uses instead for a
	// peer that Hello does not suit.
	Hello        transport.Hello
	Alternatives []transport.Hello

	// Listening is true at the end that accepted the connection. It stays silent until it knows the peer's dialect; the
	// dialing end sends first.
	Listening bool

	// Carried says that each frame is a message of the link, see [Framed]. Bare says besides that there is no handshake but
	// that each end sends its identity.
	Carried, Bare bool

	Framing    transport.Framing
	MaxMessage int64 // largest message in bytes, header included; 0 = unlimited
	TTL        int   // most hops that a message may have come over; 1 to 255
	MaxFrames  int   // maximum number of frames of one message; 0 = the dialect's default

	// Previous is the session of an earlier connection with the same configuration, or nil. If it is Stateless, and this
	// connection's would be equal, the dialect returns it again.
	Previous *Session

	Security Security          // nil = none
	Identity []byte            // the local end's identity, in dialects with identities; up to 255 bytes
	Metadata map[string]string // further properties of the local end
}

// A Dialect is one family of protocols on a stream. Its value has no state.
type Dialect interface {
	// Name is "sp" or "zmtp".
	Name() string

	// Match reports whether a peer that sent these first bytes of a connection can be speaking this dialect. With yes, the
	// dialect takes the connection; with more, the answer needs more bytes. Both false means no.
	Match(prefix []byte) (yes, more bool)

	// Handshake begins a session on a stream.
	Handshake(c Config) Handshake

	// Session is a session on a link that moves whole messages, where the transport itself reported the peer's protocol. It
	// has no framing, and its decoder is a [Splitter] only.
	Session(c Config, peer transport.Hello) (*Session, error)

	// Join returns the two sessions of a connection in process. Its ends exchange message values.
	Join(dialing, listening Config) (forDialing, forListening *Session, err error)

	// Secures reports whether connections can be secured in this way.
	Secures(s Security) bool
}

// A Framed dialect can be carried by a link that moves whole messages: each of its frames is a message there. Its sessions are
// those of a stream, which is put together of the messages.
type Framed interface {
	Dialect

	// Mechanisms names the ways to begin a session that is secured in this way, the best first; see [transport.Offer].
	Mechanisms(s Security) []string

	// Frame takes a message apart: dst with the bytes appended that a stream has before the body of this frame, and the body,
	// which is a part of the message. It fails if the message is no frame.
	Frame(dst, message []byte) (head, body []byte, err error)

	// Cut returns the message that carries the first frame of the stream: its first byte and the rest, which is a part of
	// stream; and the length of the frame. n is 0 if the frame is not whole, and need is then its length as far as it is
	// known.
	Cut(stream []byte) (first byte, rest []byte, n, need int)
}

// A Handshake is the first part of a session, until both ends know each other.
type Handshake interface {
	// Step takes the bytes that were received and not yet consumed. It returns how many it consumed, bytes to send to the
	// peer (valid until the next call), and, at the end of the handshake, the session. A dialing end begins with a step
	// without bytes. Bytes after the handshake are not consumed: they are early data, which is legal.
	Step(in []byte) (n int, out []byte, s *Session, err error)
}

// A Session is a connection after its handshake.
type Session struct {
	Dialect  string
	Local    transport.Hello   // the protocol that the local end chose
	Peer     uint16            // the peer's protocol
	PeerName string            // its short name: "rep", "router"
	Metadata map[string]string // the peer's properties; claimed, not verified
	Framing  Framing
	Decoder  Decoder
	Splitter Splitter // nil where messages have no routing header

	Multipart Multipart // nil where messages have one frame
	Commander Commander // nil where the peer understands no control events

	// Reframe, if not nil, makes a message of the peer's kind of socket one of the local kind, within the process. It
	// reports whether that can be done.
	Reframe func(m *msg.Message) bool

	// Sealed framings have a state. Their frames are for this one connection, in the order in which they were encoded, and
	// must not be shared, encoded a second time or taken back.
	Sealed bool

	// Stateless sessions hold nothing of their connection, decoder and splitter included: others may share them.
	Stateless bool
}

// A Framing encodes messages. Values are comparable: pipes with equal framings can share encoded bytes.
// A framing has no state, unless the session says that it is sealed.
type Framing interface {
	// AppendFrame appends the whole frame of a message with this routing header and body.
	AppendFrame(dst, header, body []byte) []byte

	// AppendHead appends the bytes before the body of a frame: for bodies that are written by reference.
	AppendHead(dst, header []byte, body int) []byte
}

// A Decoder takes messages out of a stream of bytes. Data begins with the first byte that was not consumed so
// far; consumed bytes may be rewritten in place. Some decoders are also [Controlled].
type Decoder interface {
	// Decode adds every whole message in data to b, until data ends or b is full, and returns how many bytes it consumed. If
	// data ends within a frame, need is the length that data must have, from n on, for that frame to be whole, as far as is
	// known: at least one byte more than now. An error is final: the peer broke the protocol. Messages added to b before it
	// are valid.
	Decode(data []byte, b *msg.Batch) (n int, need int, err error)
}

// A Splitter finds the routing header of a whole message.
type Splitter interface {
	// Split returns the length of the header. An expired message came over too many hops and is dropped. An
	// error is final: the peer broke the protocol.
	Split(message []byte) (head int, expired bool, err error)
}

// A ProtocolError says how the peer broke the protocol.
type ProtocolError struct {
	Reason reasons.Reason
	Detail string // the received bytes, the expected ones, and the remedy
}

func (e *ProtocolError) Error() string { return e.Detail }

// ErrProtocol is what every [ProtocolError] is.
var ErrProtocol = errors.New("peer broke the protocol")

// Is makes errors.Is(err, ErrProtocol) true.
func (e *ProtocolError) Is(target error) bool { return target == ErrProtocol }

// Errorf makes a [ProtocolError].
func Errorf(r reasons.Reason, format string, args ...any) *ProtocolError {
	return &ProtocolError{Reason: r, Detail: fmt.Sprintf(format, args...)}
}

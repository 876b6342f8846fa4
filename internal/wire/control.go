// SPDX-License-Identifier: MIT

package wire

import "github.com/sprymq/spry/internal/msg"

// A ControlKind is the kind of a control event: a command of a peer that is not a message.
type ControlKind uint8

// The kinds of control events.
const (
	ControlSubscribe ControlKind = iota + 1 // Data is a topic's prefix
	ControlCancel                           // Data is the prefix of a subscription that ends
	ControlJoin                             // Data is a group
	ControlLeave                            // Data is a group that the peer leaves
	ControlPing                             // a pong must echo Data; TTL is set
	ControlPong                             // Data is that of the ping
	ControlError                            // Data is the peer's reason for giving up
	ControlDropped                          // a message had no envelope and was dropped; Data is empty
)

// A Control is one control event.
type Control struct {
	Kind ControlKind
	Data []byte // valid until the handler returns
	TTL  uint16 // of a ping: tenths of a second after which silence means that the sender has died; 0 = never
}

// A Controlled decoder also meets control events. It calls the handler from within Decode, in the order of
// the stream; events between messages come before the batch with these messages is handed on.
type Controlled interface {
	Decoder
	OnControl(handle func(Control))
}

// A Commander encodes control events, where the peer understands them: of kinds that it does not, nothing is
// appended.
type Commander interface {
	AppendControl(dst []byte, c Control) []byte
}

// A Multipart encodes messages of several frames.
type Multipart interface {
	// AppendMessage appends all frames of m, with this routing header before the first.
	AppendMessage(dst, header []byte, m *msg.Message) []byte

	// Frames returns the frames of an encoded message, without the envelope for its routing header.
	Frames(encoded []byte) [][]byte
}

// SPDX-License-Identifier: MIT

package worker

import (
	"io"
	"time"
)

// A Sender sends one flow of equal messages.
type Sender interface {
	// Send sends n messages of the flow. The loop is the peer's, so that no call through an interface is timed.
	Send(n int) error
	// End sends the end marker and returns when everything is with the receiver, or with the system. Of a
	// publisher that may drop the marker it goes on until no subscriber is left.
	End() error
	io.Closer
}

// A Receiver receives a flow.
type Receiver interface {
	// First waits for the first message.
	First() error
	// Until receives until a time and returns how many messages there were, and whether the end marker came before.
	Until(end time.Time) (n int, ended bool, err error)
	// Rest receives up to the end marker and returns how many messages there were between.
	Rest() (int, error)
	io.Closer
}

// An Asker makes one request after the other.
type Asker interface {
	// Ask sends a request and waits for its reply.
	Ask() error
	io.Closer
}

// A Peer drives one library. A nil function means that the library does not support it; a function may also return
// [ErrNotApplicable] for a mode or an address.
type Peer struct {
	Listen     func(Settings) (Receiver, error) // PULL, or the closest equivalent
	Dial       func(Settings) (Sender, error)   // PUSH, connected
	Offer      func(Settings) (Sender, error)   // PUSH, listening
	Fetch      func(Settings) (Receiver, error) // PULL, connected
	InprocFlow func(Settings) (Sender, Receiver, error)

	Serve     func(Settings) (io.Closer, error) // REP, which echoes
	Ask       func(Settings) (Asker, error)     // REQ, connected
	InprocAsk func(Settings) (Asker, error)     // closes its server too

	// Callers are as many as settings say, on one connection or each on one, which are closed with the last.
	Callers func(Settings) ([]Asker, error)

	Publish   func(Settings) (Publisher, error)  // PUB, listening
	Subscribe func(Settings) ([]Receiver, error) // SUBs, connected

	// Idle accepts connections and waits for their greetings. Nil means that Listen does.
	Idle func(Settings) (io.Closer, error)

	// Unwanted is a publisher whose subscribers want none of the messages. Spread sends to many connections in turn.
	Unwanted, Spread func(Settings) (Sender, error)
	// Pipes opens connections to one socket, and closes them with it.
	Pipes func(Settings) (opened, closed time.Duration, err error)

	// Subscriptions makes a subscriber with very many subscriptions; one of them matches the messages.
	Subscriptions func(Settings) (Sender, Receiver, error)
}

// ReceiveUntil implements [Receiver] for peers that receive one message, or some, at a time. The end marker is the last of some.
func ReceiveUntil(end time.Time, some func() (n int, ended bool, err error)) (n int, ended bool, err error) {
	for time.Now().Before(end) {
		got, ended, err := some()
		n += got
		if ended || err != nil {
			return n, ended, err
		}
	}
	return n, false, nil
}

// A Publisher is a Sender that starts when its subscribers are connected.
type Publisher interface {
	Sender
	// Wait returns when subs subscribers are connected.
	Wait(subs int) error
}

// Body returns the body of a flow's messages.
func Body(size int) []byte {
	body := make([]byte, size)
	for i := range body {
		body[i] = 'x'
	}
	return body
}

// SPDX-License-Identifier: MIT

// Package jupyter is as much of Jupyter's messaging protocol, version 5.3, as it takes to drive a kernel and to be one: five
// ZeroMQ sockets on each side, and signed messages of JSON.
package jupyter

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Header says what a message is.
type Header struct {
	ID       string `json:"msg_id,omitempty"`
	Session  string `json:"session,omitempty"`
	Username string `json:"username,omitempty"`
	Date     string `json:"date,omitempty"`
	Type     string `json:"msg_type,omitempty"`
	Version  string `json:"version,omitempty"`
}

// A Message is what kernels and frontends exchange.
type Message struct {
	Route   [][]byte // the frames before the message: identities, or a topic
	Header  Header
	Parent  Header // of the request that it belongs to
	Content json.RawMessage
}

// Unmarshal reads the content.
func (m Message) Unmarshal(content any) error {
	if err := json.Unmarshal(m.Content, content); err != nil {
		return fmt.Errorf("%s: %w", m.Header.Type, err)
	}
	return nil
}

// delimiter stands between a message's route and its signature.
const delimiter = "<IDS|MSG>"

// A Session makes messages and reads those of others with the same key.
type Session struct {
	ID  string
	key []byte
}

// NewSession returns a session that signs with key.
func NewSession(key string) Session { return Session{ID: rand.Text(), key: []byte(key)} }

// New returns a message of this session. parent and route may be nil.
func (s Session) New(kind string, parent *Message, content any) (Message, error) {
	b, err := json.Marshal(content)
	if err != nil {
		return Message{}, fmt.Errorf("%s: %w", kind, err)
	}
	m := Message{Content: b, Header: Header{
		ID: rand.Text(), Session: s.ID, Username: "spry", Date: time.Now().UTC().Format(time.RFC3339Nano), Type: kind, Version: "5.3",
	}}
	if parent != nil {
		m.Parent, m.Route = parent.Header, parent.Route
	}
	return m, nil
}

// Encode returns the frames of a message.
func (s Session) Encode(m Message) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, err
	}
	parent, err := json.Marshal(m.Parent)
	if err != nil {
		return nil, err
	}
	signed := [][]byte{header, parent, []byte("{}"), m.Content}
	frames := append([][]byte{}, m.Route...)
	frames = append(frames, []byte(delimiter), s.sign(signed))
	return append(frames, signed...), nil
}

// Decode reads frames. It fails if they are not signed with the session's key.
func (s Session) Decode(frames [][]byte) (m Message, err error) {
	const parts = 4 // header, parent, metadata and content; buffers may follow, which are not signed
	at := 0
	for at < len(frames) && !bytes.Equal(frames[at], []byte(delimiter)) {
		at++
	}
	if len(frames) < at+2+parts {
		return m, fmt.Errorf("a message of %d frames is none of Jupyter's", len(frames))
	}
	signed := frames[at+2 : at+2+parts]
	if !hmac.Equal(frames[at+1], s.sign(signed)) {
		return m, errors.New("the signature is not by the session's key")
	}
	m.Route, m.Content = frames[:at], signed[3]
	return m, errors.Join(json.Unmarshal(signed[0], &m.Header), json.Unmarshal(signed[1], &m.Parent))
}

func (s Session) sign(frames [][]byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	for _, f := range frames {
		mac.Write(f)
	}
	return hex.AppendEncode(nil, mac.Sum(nil))
}

// A Connection is what a connection file says: where a kernel listens, and its key.
type Connection struct {
	Transport       string `json:"transport"` // "tcp" or "ipc"
	IP              string `json:"ip"`        // or what paths begin with
	Shell           int    `json:"shell_port"`
	IOPub           int    `json:"iopub_port"`
	Stdin           int    `json:"stdin_port"`
	Control         int    `json:"control_port"`
	Heartbeat       int    `json:"hb_port"`
	Key             string `json:"key"`
	SignatureScheme string `json:"signature_scheme"`
	KernelName      string `json:"kernel_name"`
}

// url is the address of a channel.
func (c Connection) url(port int) string {
	if c.Transport == "ipc" {
		return fmt.Sprintf("ipc://%s-%d", c.IP, port)
	}
	return fmt.Sprintf("tcp://%s:%d", c.IP, port)
}

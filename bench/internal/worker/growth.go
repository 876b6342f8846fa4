// SPDX-License-Identifier: MIT

package worker

import (
	"context"
	"io"
	"strings"
)

// OpenSinks opens connections that are greeted and then read without an end, in this process.
func OpenSinks(url, greeting string, n int) (io.Closer, error) {
	conns, err := openAll(context.Background(), strings.TrimPrefix(url, "tcp://"), greetings[greeting], n)
	all := make(Closers, len(conns))
	for i, conn := range conns {
		all[i] = conn
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
	return all, err
}

// unwanted measures messages that no subscriber wants.
func unwanted(_ process, peer Peer, s Settings) (Result, error) { return sendAlone(peer.Unwanted, s) }

// spread measures messages that go to many connections in turn.
func spread(_ process, peer Peer, s Settings) (Result, error) { return sendAlone(peer.Spread, s) }

func sendAlone(open func(Settings) (Sender, error), s Settings) (Result, error) {
	if open == nil {
		return Result{}, ErrNotApplicable
	}
	to, err := open(s)
	if err != nil {
		return Result{}, err
	}
	return send(to, s)
}

// manyPipes measures how long it takes to open and to close the connections of one socket.
func manyPipes(_ process, peer Peer, s Settings) (r Result, err error) {
	if peer.Pipes == nil {
		return Result{}, ErrNotApplicable
	}
	opened, closed, err := peer.Pipes(s)
	r.Opened, r.Closed = opened.Seconds(), closed.Seconds()
	return r, err
}

// SPDX-License-Identifier: MIT

package peers

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/sprymq/spry/bench/internal/worker"
)

// A simpleSocket has the methods of a library that sends and receives one message at a time.
type simpleSocket interface {
	Listen(url string) error
	Dial(url string) error
	Send(body []byte) error
	Recv() (size int, err error)
	Echo() error // receives a request and sends it back
	Close() error
}

const (
	markerPause = 10 * time.Millisecond // between end markers; the first may be dropped
	joinTime    = time.Second           // for subscribers to connect, if the publisher cannot observe that
)

// A simpleLibrary opens sockets: "push", "pull", "req", "rep", "pub" or "sub", which wants everything.
type simpleLibrary func(kind string) (simpleSocket, error)

func (lib simpleLibrary) peer() worker.Peer {
	return worker.Peer{
		Listen: func(s worker.Settings) (worker.Receiver, error) { return lib.receiver("pull", s, simpleSocket.Listen) },
		Dial: func(s worker.Settings) (worker.Sender, error) {
			if s.Pipes > 1 { // the last one waits for all: nothing is received completely before its end marker
				return lib.sender("push", s, simpleSocket.Dial, nil)
			}
			return lib.sender("push", s, simpleSocket.Dial, os.Stdin)
		},
		Offer: func(s worker.Settings) (worker.Sender, error) {
			return lib.sender("push", s, simpleSocket.Listen, os.Stdin)
		},
		Fetch:      func(s worker.Settings) (worker.Receiver, error) { return lib.receiver("pull", s, simpleSocket.Dial) },
		InprocFlow: lib.inprocFlow,
		Serve:      lib.serve, Ask: lib.ask, InprocAsk: lib.inprocAsk, Callers: lib.callers,
		Publish: func(s worker.Settings) (worker.Publisher, error) {
			to, err := lib.sender("pub", s, simpleSocket.Listen, os.Stdin)
			return &simplePublisher{to}, err
		},
		Subscribe: lib.subscribe,
	}
}

// connect opens a socket and has it listen or dial.
func (lib simpleLibrary) connect(kind, url string, verb func(simpleSocket, string) error) (simpleSocket, error) {
	socket, err := lib(kind)
	if err != nil {
		return nil, err
	}
	return socket, verb(socket, url)
}

type verb = func(simpleSocket, string) error

func (lib simpleLibrary) sender(kind string, s worker.Settings, v verb, received io.Reader) (*simpleSender, error) {
	if s.Mode != "plain" && s.Mode != "copy" {
		return nil, worker.ErrNotApplicable
	}
	socket, err := lib.connect(kind, s.URL, v)
	return &simpleSender{simpleSocket: socket, body: worker.Body(s.Size), received: received}, err
}

func (lib simpleLibrary) receiver(kind string, s worker.Settings, v verb) (*simpleReceiver, error) {
	socket, err := lib.connect(kind, s.URL, v)
	return &simpleReceiver{socket, max(s.Pipes, 1)}, err
}

func (lib simpleLibrary) inprocFlow(s worker.Settings) (worker.Sender, worker.Receiver, error) {
	s.URL = "inproc://bench"
	from, err := lib.receiver("pull", s, simpleSocket.Listen)
	if err != nil {
		return nil, nil, err
	}
	to, err := lib.sender("push", s, simpleSocket.Dial, nil)
	return to, from, err
}

func (lib simpleLibrary) subscribe(s worker.Settings) ([]worker.Receiver, error) {
	all := make([]worker.Receiver, s.Subs)
	for i := range all {
		from, err := lib.receiver("sub", s, simpleSocket.Dial)
		if err != nil {
			return nil, err
		}
		all[i] = from
	}
	return all, nil
}

// A simpleSender also waits, at its end, for the report that the flow was received: closing may drop queued messages.
type simpleSender struct {
	simpleSocket
	body     []byte
	received io.Reader // has a line or ends then; nil within a process
}

func (to *simpleSender) Send(n int) error {
	for range n {
		if err := to.simpleSocket.Send(to.body); err != nil {
			return err
		}
	}
	return nil
}

func (to *simpleSender) End() error {
	err := to.simpleSocket.Send(to.body[:worker.EndSize])
	if err != nil || to.received == nil {
		return err
	}
	return waitForLine(to.received)
}

func waitForLine(from io.Reader) error {
	var some [1]byte
	if _, err := from.Read(some[:]); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

type simplePublisher struct{ *simpleSender }

func (p *simplePublisher) Wait(int) error {
	time.Sleep(joinTime)
	return nil
}

// End repeats the marker, which may be dropped, until all have received it.
func (p *simplePublisher) End() error {
	var all sync.WaitGroup
	over := make(chan error, 1)
	all.Go(func() {
		over <- waitForLine(p.received)
	})
	defer all.Wait()
	for {
		if err := p.simpleSocket.Send(p.body[:worker.EndSize]); err != nil {
			return err
		}
		select {
		case err := <-over:
			return err
		case <-time.After(markerPause):
		}
	}
}

type simpleReceiver struct {
	socket simpleSocket
	ends   int // end markers to come
}

func (from *simpleReceiver) First() error {
	_, err := from.socket.Recv()
	return err
}

func (from *simpleReceiver) Until(end time.Time) (int, bool, error) {
	return worker.ReceiveUntil(end, func() (int, bool, error) {
		size, err := from.socket.Recv()
		return 1, size == worker.EndSize, err
	})
}

func (from *simpleReceiver) Rest() (n int, err error) {
	for {
		size, err := from.socket.Recv()
		if err != nil {
			return n, err
		}
		if size != worker.EndSize {
			n++
			continue
		}
		if from.ends--; from.ends <= 0 {
			return n, nil
		}
	}
}

func (from *simpleReceiver) Close() error { return from.socket.Close() }

// serve echoes until the process ends. Closing does nothing before: libzmq bears no close while another thread receives.
func (lib simpleLibrary) serve(s worker.Settings) (io.Closer, error) {
	rep, err := lib.connect("rep", s.URL, simpleSocket.Listen)
	if err != nil {
		return nil, err
	}
	go func() {
		for rep.Echo() == nil {
		}
	}()
	return worker.Closers{}, nil
}

type simpleAsker struct {
	simpleSocket
	body []byte
}

func (lib simpleLibrary) ask(s worker.Settings) (worker.Asker, error) {
	req, err := lib.connect("req", s.URL, simpleSocket.Dial)
	return &simpleAsker{req, worker.Body(s.Size)}, err
}

func (lib simpleLibrary) inprocAsk(s worker.Settings) (worker.Asker, error) {
	s.URL = "inproc://bench"
	server, err := lib.serve(s)
	if err != nil {
		return nil, err
	}
	a, err := lib.ask(s)
	return &closing{Asker: a, with: server}, err
}

func (a *simpleAsker) Ask() error {
	if err := a.Send(a.body); err != nil {
		return err
	}
	_, err := a.Recv()
	return err
}

// callers have a socket each.
func (lib simpleLibrary) callers(s worker.Settings) ([]worker.Asker, error) {
	if s.Shape != "conns" {
		return nil, worker.ErrNotApplicable
	}
	all := make([]worker.Asker, s.Calls)
	for i := range all {
		a, err := lib.ask(s)
		if err != nil {
			return nil, err
		}
		all[i] = a
	}
	return all, nil
}

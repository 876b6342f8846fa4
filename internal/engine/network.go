// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"fmt"

	"github.com/sprymq/spry/internal/lock"
	"github.com/sprymq/spry/transport"
)

const inprocScheme = "inproc"

// maxInprocName is the longest name within the process, in bytes.
const maxInprocName = 256

// A Network is a space of names for sockets of one process. Sockets reach each other by inproc://name if they
// share a Network.
type Network struct {
	mu        lock.Mutex[lock.Network]
	listeners map[string]*inprocListener
	appeared  chan struct{} // closed and forgotten when a name appears; made by those who wait
}

// DefaultNetwork is the process's.
var DefaultNetwork = NewNetwork()

// NewNetwork returns an empty Network.
func NewNetwork() *Network { return &Network{listeners: make(map[string]*inprocListener)} }

// An inprocListener is a name that a socket listens on.
type inprocListener struct {
	network  *Network
	name     string
	endpoint *Endpoint
}

type inprocAddr string

func (inprocAddr) Network() string  { return inprocScheme }
func (a inprocAddr) String() string { return inprocScheme + "://" + string(a) }

func checkInprocName(name string) error {
	if name == "" || len(name) > maxInprocName {
		return fmt.Errorf("%w: the name has %d bytes and must have 1 to %d; write it like inproc://feed", transport.ErrURL, len(name), maxInprocName)
	}
	return nil
}

var errNameTaken = errors.New("another socket of this process listens on that name")

func (n *Network) listen(name string, e *Endpoint) (*inprocListener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[name] != nil {
		return nil, errNameTaken
	}
	l := &inprocListener{network: n, name: name, endpoint: e}
	n.listeners[name] = l
	if n.appeared != nil {
		close(n.appeared)
		n.appeared = nil
	}
	return l, nil
}

// find returns the listener of a name, or a channel that is closed when a name appears.
func (n *Network) find(name string) (*inprocListener, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l := n.listeners[name]; l != nil {
		return l, nil
	}
	if n.appeared == nil {
		n.appeared = make(chan struct{})
	}
	return nil, n.appeared
}

func (l *inprocListener) close() {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	if l.network.listeners[l.name] == l {
		delete(l.network.listeners, l.name)
	}
}

// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// A system is processes that do not exist, with the traffic between their sockets.
type system struct {
	rand    *rand.Rand
	nodes   []*process
	links   []*link
	started time.Time
	seconds int
}

// A link joins a dialer's socket to a listener's.
type link struct {
	from, to           *end
	transport, dialect string
	forth, back        float64 // messages a second, about
	size               int
	drops              float64 // of those that go forth, this share
	fill               float64 // of the queue
	down               bool
	next               time.Time
}

// An end is a link's place in a socket.
type end struct {
	node   *process
	socket int // its index
	pipe   uint32
}

func newSystem() *system {
	return &system{rand: rand.New(rand.NewPCG(1, 2)), started: time.Now().Add(-187 * time.Minute)}
}

func (s *system) node(name, host string, sockets ...[2]string) *process {
	n := len(s.nodes)
	p := &process{
		Instance: fmt.Sprintf("%08x%08x", s.rand.Uint32(), s.rand.Uint32()), Name: name, Host: host, PID: 4100 + 37*n, State: "up",
		URL:     fmt.Sprintf("http://%s:%d/spry", host, 7700+n),
		Process: &figures{Goroutines: 20 + s.rand.IntN(60), Heap: uint64(4+s.rand.IntN(90)) << 20, MaxProcs: 8, Go: "go1.26.0", Spry: "v0.1.0", Started: s.started.Add(time.Duration(n) * time.Second)},
	}
	for i, one := range sockets {
		p.Sockets = append(p.Sockets, socket{ID: uint64(i + 1), Protocol: one[0], Name: one[1], Dropped: map[string]map[string]uint64{"send": {}, "recv": {}}, Rejected: map[string]uint64{}})
	}
	s.nodes = append(s.nodes, p)
	return p
}

// join links two sockets, by their numbers from 1.
func (s *system) join(from *process, a int, to *process, b int, transport string, forth, back float64) *link {
	l := &link{transport: transport, dialect: "sp", forth: forth, back: back, size: 64 + s.rand.IntN(900), from: s.end(from, a-1), to: s.end(to, b-1)}
	if transport == "inproc" {
		l.dialect = ""
	}
	s.links = append(s.links, l)
	return l
}

func (s *system) end(node *process, socket int) *end {
	n := uint32(1)
	for _, l := range s.links {
		if l.from.node == node || l.to.node == node {
			n++
		}
	}
	return &end{node: node, socket: socket, pipe: n}
}

// market is a small system with every pattern: twelve processes on three hosts.
func market() *system {
	s := newSystem()
	web1 := s.node("webgate", "edge-1", [2]string{"req", "orders"}, [2]string{"sub", "quotes"}, [2]string{"respondent", "health"})
	web2 := s.node("webgate", "edge-2", [2]string{"req", "orders"}, [2]string{"sub", "quotes"}, [2]string{"respondent", "health"})
	orders := s.node("orders", "core-1", [2]string{"rep", "orders"}, [2]string{"push", "jobs"}, [2]string{"pub", "fills"}, [2]string{"respondent", "health"})
	quotes := s.node("quotes", "core-1", [2]string{"pub", "quotes"}, [2]string{"respondent", "health"})
	risk := s.node("risk", "core-1", [2]string{"sub", "fills"}, [2]string{"router", "limits"}, [2]string{"bus", "mesh"})
	var workers []*process
	for range 3 {
		workers = append(workers, s.node("worker", "core-2", [2]string{"pull", "jobs"}, [2]string{"push", "done"}, [2]string{"dealer", "limits"}))
	}
	ledger := s.node("ledger", "core-2", [2]string{"pull", "done"}, [2]string{"pair", "replica"}, [2]string{"bus", "mesh"}, [2]string{"push", "audit"})
	replica := s.node("replica", "core-2", [2]string{"pair", "primary"}, [2]string{"bus", "mesh"})
	monitor := s.node("monitor", "edge-1", [2]string{"surveyor", "health"}, [2]string{"sub", "quotes"})
	audit := s.node("audit", "core-2", [2]string{"pull", "audit"}, [2]string{"sub", "fills"})

	s.join(web1, 1, orders, 1, "tls+tcp", 820, 818)
	s.join(web2, 1, orders, 1, "tls+tcp", 1310, 1308)
	s.join(web1, 2, quotes, 1, "ws", 0, 12400).drops = 0
	slow := s.join(web2, 2, quotes, 1, "ws", 0, 9100)
	slow.fill, slow.drops = 0.97, 0.04
	for i, w := range workers {
		s.join(w, 1, orders, 2, "tcp", 0, 700+90*float64(i)).fill = 0.2 * float64(i)
		s.join(w, 2, ledger, 1, "ipc", 690, 0)
		s.join(w, 3, risk, 2, "tcp", 350, 349).dialect = "zmtp"
	}
	s.join(risk, 1, orders, 3, "inproc", 0, 2100)
	s.join(audit, 2, orders, 3, "tcp", 0, 2100).fill = 0.6
	s.join(ledger, 2, replica, 1, "tcp", 210, 4)
	s.join(risk, 3, ledger, 3, "tcp", 12, 9)
	s.join(replica, 2, ledger, 3, "tcp", 3, 14)
	s.join(ledger, 4, audit, 1, "ipc", 68, 0)
	s.join(monitor, 2, quotes, 1, "wss", 0, 300)
	for _, n := range []*process{web1, web2, orders} {
		s.join(n, len(n.Sockets), monitor, 1, "tcp", 1, 1)
	}
	lost := s.join(quotes, 2, monitor, 1, "tcp", 1, 1)
	lost.down = true
	return s
}

// many is a system of a number of processes, 25 on each host, with a number of pipes.
func many(nodes, pipes int) *system {
	s := newSystem()
	names := []string{"router", "worker", "cache", "store", "gate"}
	kinds := [][2]string{{"push", "jobs"}, {"pull", "jobs"}, {"pub", "news"}, {"sub", "news"}, {"req", "ask"}, {"rep", "ask"}}
	for i := range nodes {
		s.node(names[i%len(names)], fmt.Sprintf("host-%02d", i/25), kinds...)
	}
	transports := []string{"tcp", "tcp", "tls+tcp", "ws", "ipc"}
	count := make([]uint32, nodes)
	for i := range pipes {
		a := i % nodes
		b := (a + 1 + s.rand.IntN(24)) % nodes // mostly neighbours
		if s.rand.IntN(4) == 0 {
			b = s.rand.IntN(nodes)
		}
		if a == b {
			b = (b + 1) % nodes
		}
		kind := 2 * s.rand.IntN(3)
		rate := math.Pow(10, 4*s.rand.Float64())
		count[a]++
		count[b]++
		s.links = append(s.links, &link{
			transport: transports[s.rand.IntN(len(transports))], dialect: "sp", forth: rate, back: rate / 10, size: 200,
			from: &end{s.nodes[a], kind, count[a]}, to: &end{s.nodes[b], kind + 1, count[b]},
		})
	}
	return s
}

// step plays one second.
func (s *system) step(now time.Time) {
	s.seconds++
	for _, n := range s.nodes {
		for i := range n.Sockets {
			k := &n.Sockets[i]
			k.Rates, k.Queued, k.Blocked = rates{}, queued{}, 0
			k.Pipes, k.Endpoints = k.Pipes[:0], k.Endpoints[:0]
		}
		n.Process.Goroutines += s.rand.IntN(3) - 1
		n.Process.Heap += uint64(s.rand.IntN(1 << 18))
	}
	for i, l := range s.links {
		s.play(i, l, now)
	}
}

func (s *system) play(number int, l *link, now time.Time) {
	url := fmt.Sprintf("%s://%s:%d", l.transport, l.to.node.Host, 5500+10*number)
	if l.transport == "ipc" || l.transport == "inproc" {
		url = fmt.Sprintf("%s:///run/%s-%d", l.transport, l.to.node.Sockets[l.to.socket].Name, l.to.node.PID)
	}
	if l.down || l.to.node.State != "up" || l.from.node.State != "up" {
		if l.from.node.State == "up" {
			if now.After(l.next) {
				l.next = now.Add(8 * time.Second)
			}
			k := &l.from.node.Sockets[l.from.socket]
			next := l.next
			k.Endpoints = append(k.Endpoints, endpoint{URL: url, State: "waiting", NextAttempt: &next, LastError: "dial tcp: connection refused", Redials: uint64(s.seconds / 8), Failed: map[string]uint64{"io": uint64(1 + s.seconds/8)}})
		}
		return
	}
	swing := func(r float64) float64 {
		return r * (1 + 0.25*math.Sin(float64(s.seconds)/9+float64(number)) + 0.1*s.rand.Float64())
	}
	forth, back := swing(l.forth), swing(l.back)
	s.half(l, l.from, l.to, url, now, forth, back, false)
	s.half(l, l.to, l.from, url, now, back, forth, true)
}

func (s *system) half(l *link, own, peer *end, url string, now time.Time, sent, delivered float64, listens bool) {
	k := &own.node.Sockets[own.socket]
	size := float64(l.size)
	r := rates{Sent: sent, Delivered: delivered, SendBytes: sent * size, RecvBytes: delivered * size}
	p := pipe{
		ID: own.pipe, URL: url, Transport: l.transport, Dialect: l.dialect, Remote: fmt.Sprintf("10.0.0.%d:%d", peer.node.PID%250, 5500+peer.pipe),
		PeerProtocol: peer.node.Sockets[peer.socket].Protocol, Since: s.started.Add(time.Duration(own.pipe) * time.Minute),
		Peer: &place{peer.node.Instance, peer.node.Sockets[peer.socket].ID, peer.pipe},
		Send: queue{Limit: 1024, LimitBytes: 1 << 22}, Recv: queue{Limit: 1024, LimitBytes: 1 << 22}, Rates: r,
		Sent: uint64(sent * float64(s.seconds)), Delivered: uint64(delivered * float64(s.seconds)),
	}
	if k.Protocol == "req" || k.Protocol == "rep" || k.Protocol == "surveyor" {
		p.RTT = &latency{time.Duration(180+s.rand.IntN(60)) * time.Microsecond, time.Duration(900+s.rand.IntN(900)) * time.Microsecond, p.Sent}
	}
	if l.transport == "tls+tcp" || l.transport == "wss" {
		p.TLS = &tlsState{"TLS 1.3", "TLS_AES_128_GCM_SHA256", now.AddDate(0, 0, 9+int(own.pipe)*20)}
		p.Identity = "CN=" + peer.node.Name
	}
	p.Send.Queued = int(1024 * l.fill * min(1, sent) * (0.9 + 0.1*s.rand.Float64()))
	p.Send.Bytes = int64(p.Send.Queued * l.size)
	if lost := l.drops * sent; lost > 0 {
		k.Rates.Dropped += lost
		k.Dropped["send"]["overflow"] += uint64(lost)
		p.Dropped = map[string]uint64{"overflow": k.Dropped["send"]["overflow"]}
	}
	k.Rates.Sent += r.Sent
	k.Rates.Delivered += r.Delivered
	k.Rates.SendBytes += r.SendBytes
	k.Rates.RecvBytes += r.RecvBytes
	k.Totals.Sent += uint64(sent)
	k.Totals.Delivered += uint64(delivered)
	k.Totals.SendBytes += uint64(r.SendBytes)
	k.Totals.RecvBytes += uint64(r.RecvBytes)
	k.Queued.Send += uint64(p.Send.Queued)
	k.Queued.SendBytes += p.Send.Bytes
	k.Queued.Oldest = max(k.Queued.Oldest, time.Duration(float64(p.Send.Queued)/max(1, sent)*1e9))
	k.Blocked = max(k.Blocked, (l.fill-0.5)*min(1, sent)/2)
	state := "connected"
	if listens {
		state = "listening"
	}
	for i := range k.Endpoints {
		if e := &k.Endpoints[i]; e.URL == url {
			e.Pipes++
		}
	}
	k.Endpoints = append(k.Endpoints, endpoint{URL: url, Listening: listens, State: state, Pipes: 1})
	k.Pipes = append(k.Pipes, p)
}

// SPDX-License-Identifier: MIT

package engine

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/stats"
)

// Name is the socket's name in logs and statistics.
func (s *Socket) Name() string {
	if s.options.Name != "" {
		return s.options.Name
	}
	return fmt.Sprintf("%s-%d", s.pattern.Traits().Hello.Name, s.id)
}

// pastPipes stores the counters of ended pipes.
type pastPipes struct {
	stats.PastStats
	undone   []*Pipe // over, but with messages in an inbox, or still on their way there
	settleAt int     // length of undone at which it is looked through
}

// add adds an ended pipe. It also settles earlier ones, so that a socket with many short connections does not keep them.
func (past *pastPipes) add(p *Pipe) {
	past.undone = append(past.undone, p)
	if len(past.undone) >= past.settleAt {
		past.settle()
		past.settleAt = 2*len(past.undone) + minUndone
	}
}

// minUndone is how many past pipes are not worth looking through.
const minUndone = 16

// settle adds the counters of pipes that will not change any more, with an empty inbox, to the sums.
func (past *pastPipes) settle() {
	rest := past.undone[:0]
	for _, p := range past.undone {
		silent := p.silent.Load() // before the figures, which are then the last ones
		out := p.out.stats(p)
		in, trips, waited := p.in.stats()
		if !silent || in.Queued > 0 || out.Queued > 0 {
			rest = append(rest, p)
			continue
		}
		stats.AddSend(&past.Send, out)
		stats.AddRecv(&past.Recv, in)
		past.RTT.Merge(&trips)
		past.QueueTime.Merge(&waited)
		p.settled = true
	}
	clear(past.undone[len(rest):])
	past.undone = rest
}

// RefuseN counts n messages that were meant for this pipe and are not offered to it, because it would not take them.
func (p *Pipe) RefuseN(reason reasons.Reason, n int) {
	if n == 0 {
		return
	}
	p.out.mu.Lock()
	p.out.offered += uint64(n)
	p.out.dropped.add(reason, uint64(n))
	p.out.mu.Unlock()
	p.socket.dropped(p, reason, n)
}

// Sent is the number of messages that were written, so far.
func (p *Pipe) Sent() uint64 {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.out.sent
}

// silent reports whether nothing arrives any more from ended pipes.
func (past *pastPipes) silent() bool {
	return !slices.ContainsFunc(past.undone, func(p *Pipe) bool { return !p.silent.Load() })
}

// DropOut counts messages that were to be sent and had no pipe to be queued to.
func (s *Socket) DropOut(reason reasons.Reason, n int) {
	s.mu.Lock()
	s.past.Send.Offered += uint64(n)
	stats.AddCounts(&s.past.Send.Dropped, map[reasons.Reason]uint64{reason: uint64(n)})
	s.mu.Unlock()
	s.Emit(Event{Kind: EventDrop, Reason: reason, Count: uint64(n)})
}

// RequestFailed counts and reports a request of this pipe that was discarded because of err.
func (s *Socket) RequestFailed(p *Pipe, err error) {
	s.failed.Add(1)
	s.Emit(Event{Kind: EventRequestFailed, Pipe: p, Endpoint: p.endpoint, Err: err})
}

// endpoint adds an endpoint that ends.
func (past *pastPipes) endpoint(e *Endpoint) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.past {
		stats.AddCounts(&past.Rejected, e.rejected)
		e.past = true
	}
}

// countRejected counts a peer that was refused, or broke the protocol, also if the endpoint has ended meanwhile.
func (e *Endpoint) countRejected(reason reasons.Reason) {
	s := e.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.past {
		stats.AddCounts(&s.past.Rejected, map[reasons.Reason]uint64{reason: 1})
		return
	}
	e.rejected[reason]++
}

// Stats returns the pipe's figures. Each half is of one moment.
func (p *Pipe) Stats() stats.PipeStats {
	limits := p.socket.options
	st := stats.PipeStats{
		ID: p.id, Send: p.out.stats(p), Live: !p.over(),
		URL: p.endpoint.shown, Listening: p.endpoint.listen, Transport: p.endpoint.transport(), PeerProtocol: p.session.PeerName,
		Local: addrString(p.link.LocalAddr()), Remote: addrString(p.link.RemoteAddr()), Since: p.since,
		SendLimit: max(limits.SendQueue, 0), SendLimitBytes: max(limits.SendQueueBytes, 0),
		RecvLimit: max(limits.RecvQueue, 0), RecvLimitBytes: max(limits.RecvQueueBytes, 0),
	}
	st.Recv, st.RTT, st.QueueTime = p.in.stats()
	if d := p.session.Dialect; d != inprocScheme {
		st.Dialect = d
	}
	if identity := p.session.Metadata["Identity"]; identity != "" {
		st.Identity = shownIdentity(identity)
	}
	info := p.link.Info()
	if info.Creds != nil {
		st.PeerPID = info.Creds.PID
	}
	if info.TLS != nil {
		st.TLS = tlsStats(info.TLS)
	}
	if c, ok := p.out.carrier.(*inprocCarrier); ok {
		st.PeerSocket, st.PeerPipe = c.peer.pipe.socket.id, c.peer.pipe.id
	}
	return st
}

// shownIdentity is an identity as text: quoted, unless it is printable.
func shownIdentity(identity string) string {
	if quoted := strconv.Quote(identity); quoted != `"`+identity+`"` {
		return quoted
	}
	return identity
}

func tlsStats(state *tls.ConnectionState) *stats.TLSStats {
	st := &stats.TLSStats{Version: tls.VersionName(state.Version), Cipher: tls.CipherSuiteName(state.CipherSuite)}
	if len(state.PeerCertificates) > 0 {
		st.NotAfter = firstToExpire(state).NotAfter
	}
	return st
}

// Stats returns the socket's figures.
func (s *Socket) Stats() stats.Stats {
	st := stats.Stats{Name: s.Name(), At: time.Now(), Goroutines: s.scope.Running()}
	s.mu.Lock()
	s.past.settle()
	st.Past = stats.ClonePast(s.past.PastStats)
	pipes := slices.AppendSeq(slices.Clone(s.past.undone), maps.Values(s.pipes))
	endpoints := s.endpointsLocked()
	s.mu.Unlock()

	stats.AddPast(&st, st.Past)
	for _, p := range pipes {
		ps := p.Stats()
		stats.AddPipe(&st, &ps)
		st.Pipes = append(st.Pipes, ps)
	}
	sort.Slice(st.Pipes, func(i, j int) bool { return st.Pipes[i].ID < st.Pipes[j].ID })
	for _, e := range endpoints {
		es := e.Stats()
		stats.AddCounts(&st.Rejected, es.Rejected)
		st.Endpoints = append(st.Endpoints, es)
	}
	sort.Slice(st.Endpoints, func(i, j int) bool {
		a, b := &st.Endpoints[i], &st.Endpoints[j]
		return cmp.Or(cmp.Compare(a.URL, b.URL), cmp.Compare(a.ID, b.ID)) < 0
	})
	st.Buffered = s.buffered()
	stats.AddBuffered(&st, st.Buffered)
	st.Pending = s.pattern.Pending()
	st.SendBlocked, st.SendBlocks = s.pattern.Blocked()
	st.Panics = s.panics.Load()
	st.Failed = s.failed.Load()
	return st
}

// Stats returns the endpoint's figures.
func (e *Endpoint) Stats() stats.EndpointStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	es := stats.EndpointStats{
		ID: e.id, URL: e.shown, Listening: e.listen, Pipes: len(e.pipes), Established: e.established, State: e.stateLocked(),
		Attempts: e.attempts, Redials: max(e.attempts, 1) - 1, NextAttempt: e.next, Failed: make(map[reasons.Reason]uint64),
		Goroutines: e.scope.Running(),
	}
	if e.err != nil {
		es.LastError = e.err.Error()
	}
	e.failed.addTo(es.Failed)
	stats.AddCounts(&es.Rejected, e.rejected)
	return es
}

func (e *Endpoint) stateLocked() string {
	switch {
	case e.listen:
		return stats.Listening
	case len(e.pipes) > 0:
		return stats.Connected
	case e.next.IsZero():
		return stats.Connecting
	}
	return stats.Waiting
}

// transport is the last word of the URL's scheme: "tcp". It is empty for connections that the application made.
func (e *Endpoint) transport() string {
	if e.url.Scheme == "" {
		return ""
	}
	return e.url.Base()
}

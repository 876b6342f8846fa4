// SPDX-License-Identifier: MIT

package dash

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/sprymq/spry/observe"
)

const (
	goneFor  = time.Minute // after which a process that has ended is removed,
	removals = time.Minute // and after which pages are no longer reminded of that

	// maxFormer is how many processes of one URL that have ended are shown. A URL that answers with another id each time would fill
	// the page with them.
	maxFormer = 4
)

// A model is what is known of all processes. It does no I/O and takes the time as an argument.
type model struct {
	sources []*source        // by rank: of several that are the same process, the first counts
	nodes   map[string]*node // that are shown, by instance
}

// A source is where a process is asked for.
type source struct {
	url     string // for the page
	lasting bool   // it is shown though it has never answered

	report  *observe.Report // the last one
	earlier *observe.Report // the one before of the same process
	apart   time.Duration   // the time between them
	at      time.Time       // when report came
	state   state
	since   time.Time
	err     string
}

// A node is a process as the page has it.
type node struct {
	view  nodeView
	since time.Time // of its state
}

func newModel() *model { return &model{nodes: make(map[string]*node)} }

// answered is a report of a source.
func (s *source) answered(r *observe.Report, now time.Time) {
	s.earlier = nil
	if s.report != nil && s.report.Instance == r.Instance && s.state == up {
		s.earlier, s.apart = s.report, now.Sub(s.at)
	}
	s.report, s.at = r, now
	s.become(up, "", now)
}

// failed is a source that does not answer. refused says that no process is there.
func (s *source) failed(err error, refused bool, now time.Time) {
	to := unreachable
	if refused {
		to = gone
	}
	s.become(to, clip(err.Error()), now)
}

func (s *source) become(to state, err string, now time.Time) {
	if s.state != to {
		s.state, s.since = to, now
	}
	s.err = err
}

// instance is that of the last report. A source that lasts and has none, or whose process was removed, has one of its own.
func (s *source) instance() string {
	if s.report != nil {
		return clip(s.report.Instance)
	}
	sum := sha256.Sum256([]byte(s.url))
	return "url-" + hex.EncodeToString(sum[:8])
}

// render returns the views that the page shall have now, at most limit: what became of the processes that it has, and those that are new.
func (m *model) render(limit int, now time.Time) []*nodeView {
	m.forget(now)
	views, shown := m.answering(limit)
	views = append(views, m.silent(shown, limit, now)...)
	for id, n := range m.nodes {
		if shown[id] {
			continue
		}
		if n.view.State == up || n.view.State == unreachable { // its source has gone, or is another process's now
			n.view.State, n.view.Error = gone, ""
			n.since = now
		}
	}
	m.limitFormer(shown, now)
	for id, n := range m.nodes {
		if shown[id] {
			continue
		}
		if n.view.State != removed && (n.view.PID == 0 || now.Sub(n.since) >= goneFor) { // at once if its process has its own place now
			n.view, n.since = nodeView{Instance: id, State: removed}, now
		}
		v := n.view.still()
		v.Since = n.since
		views = append(views, v)
	}
	resolvePeers(views)
	return views
}

// limitFormer removes processes that have ended, where a URL has had too many. The latest stay.
func (m *model) limitFormer(shown map[string]bool, now time.Time) {
	former := make(map[string][]string)
	for id, n := range m.nodes {
		if !shown[id] && n.view.State == gone {
			former[n.view.URL] = append(former[n.view.URL], id)
		}
	}
	for _, ids := range former {
		slices.SortFunc(ids, func(a, b string) int { return m.nodes[b].since.Compare(m.nodes[a].since) })
		for _, id := range ids[min(len(ids), maxFormer):] {
			*m.nodes[id] = node{view: nodeView{Instance: id, State: removed}, since: now}
		}
	}
}

// forget forgets processes that were removed a while ago.
func (m *model) forget(now time.Time) {
	for id, n := range m.nodes {
		if n.view.State == removed && now.Sub(n.since) >= removals {
			delete(m.nodes, id)
		}
	}
}

// answering are the processes that answer.
func (m *model) answering(limit int) (views []*nodeView, shown map[string]bool) {
	shown = make(map[string]bool)
	for _, s := range m.sources {
		if s.state != up || shown[s.instance()] || len(shown) >= limit {
			continue
		}
		shown[s.instance()] = true
		v := viewOf(s)
		m.nodes[v.Instance] = &node{view: *v, since: s.since}
		views = append(views, v)
	}
	return views, shown
}

// silent are those that do not answer, and that no other source has.
func (m *model) silent(shown map[string]bool, limit int, now time.Time) (views []*nodeView) {
	for _, s := range m.sources {
		if s.state == up || s.state == "" {
			continue
		}
		if s.report != nil && s.state == gone && now.Sub(s.since) >= goneFor {
			s.report, s.earlier = nil, nil // the process is removed
		}
		id := s.instance()
		if shown[id] || s.report == nil && !s.lasting || len(shown) >= limit {
			continue
		}
		shown[id] = true
		n := m.nodes[id]
		if n == nil || n.view.State == removed {
			n = &node{view: nodeView{Instance: id, URL: s.url, Sockets: []socketView{}}}
			m.nodes[id] = n
		}
		n.view.State, n.view.Error, n.since = s.state, s.err, s.since
		v := n.view.still()
		v.Since = n.since
		views = append(views, v)
	}
	return views
}

// still is a copy of a view of a process that does not move any more.
func (v *nodeView) still() *nodeView {
	c := *v
	c.Sockets = slices.Clone(v.Sockets)
	for i := range c.Sockets {
		s := &c.Sockets[i]
		s.Rates, s.Blocked = socketRates{}, 0
		s.Pipes = slices.Clone(s.Pipes)
		for j := range s.Pipes {
			s.Pipes[j].Rates, s.Pipes[j].Peer = flowRates{}, nil
		}
	}
	return &c
}

// add adds a source, behind the others.
func (m *model) add(s *source) { m.sources = append(m.sources, s) }

// remove removes a source.
func (m *model) remove(s *source) {
	m.sources = slices.DeleteFunc(m.sources, func(o *source) bool { return o == s })
}

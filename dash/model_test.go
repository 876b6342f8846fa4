// SPDX-License-Identifier: MIT

package dash

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
)

var start = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// at is a second of a test.
func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

// A process is a report of a test.
func process(instance string, pid int, sockets ...observe.SocketReport) *observe.Report {
	return &observe.Report{Instance: instance, Process: observe.Process{Name: instance, Host: "here", PID: pid}, Sockets: sockets}
}

func socketOf(id uint64, pipes ...spry.PipeStats) observe.SocketReport {
	return observe.SocketReport{ID: id, Protocol: "pair", Stats: spry.Stats{Pipes: pipes}}
}

func tcpPipe(id uint32, local, remote string) spry.PipeStats {
	return spry.PipeStats{ID: id, Live: true, Transport: "tcp", Local: local, Remote: remote}
}

// edges renders what a model shows of peers, as "instance.socket.pipe>instance.socket.pipe".
func edges(views []*nodeView) (all []string) {
	for _, n := range views {
		for _, s := range n.Sockets {
			for _, p := range s.Pipes {
				if p.Peer != nil {
					all = append(all, fmt.Sprintf("%s.%d.%d>%s.%d.%d", n.Instance, s.ID, p.ID, p.Peer.Instance, p.Peer.Socket, p.Peer.Pipe))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestPeers(t *testing.T) {
	elsewhere := func(r *observe.Report) *observe.Report { r.Process.Host = "there"; return r }
	ipcPipe := func(id uint32, listening bool, path string, pid int, since float64) spry.PipeStats {
		p := spry.PipeStats{ID: id, Live: true, Transport: "ipc", Listening: listening, PeerPID: pid, Since: at(since)}
		if p.Remote = path; listening {
			p.Local, p.Remote = path, "@"
		}
		return p
	}
	for _, c := range []struct {
		name      string
		processes []*observe.Report
		want      string
	}{
		{"tcp", []*observe.Report{
			process("a", 1, socketOf(1, tcpPipe(10, "192.0.2.1:80", "192.0.2.2:5000"))),
			elsewhere(process("b", 1, socketOf(1, tcpPipe(20, "192.0.2.2:5000", "192.0.2.1:80")))),
		}, "a.1.10>b.1.20 b.1.20>a.1.10"},
		{"one port, several clients", []*observe.Report{
			process("a", 1, socketOf(1, tcpPipe(10, "127.0.0.1:80", "127.0.0.1:5000"), tcpPipe(11, "127.0.0.1:80", "127.0.0.1:5001"))),
			process("b", 2, socketOf(1, tcpPipe(20, "127.0.0.1:5001", "127.0.0.1:80"))),
			process("c", 3, socketOf(7, tcpPipe(30, "127.0.0.1:5000", "127.0.0.1:80"))),
		}, "a.1.10>c.7.30 a.1.11>b.1.20 b.1.20>a.1.11 c.7.30>a.1.10"},
		{"within a process by tcp", []*observe.Report{
			process("a", 1, socketOf(1, tcpPipe(10, "[::1]:80", "[::1]:5000")), socketOf(2, tcpPipe(11, "[::1]:5000", "[::1]:80"))),
		}, "a.1.10>a.2.11 a.2.11>a.1.10"},
		{"loopback addresses of two machines", []*observe.Report{
			process("a", 1, socketOf(1, tcpPipe(10, "127.0.0.1:80", "127.0.0.1:5000"))),
			elsewhere(process("b", 2, socketOf(1, tcpPipe(20, "127.0.0.1:5000", "127.0.0.1:80")))),
		}, ""},
		{"other end not known", []*observe.Report{process("a", 1, socketOf(1, tcpPipe(10, "127.0.0.1:80", "127.0.0.1:5000")))}, ""},
		{"an end that two claim", []*observe.Report{
			process("a", 1, socketOf(1, tcpPipe(10, "192.0.2.1:80", "192.0.2.2:5000"))),
			process("b", 2, socketOf(1, tcpPipe(20, "192.0.2.2:5000", "192.0.2.1:80"))),
			process("liar", 3, socketOf(1, tcpPipe(30, "192.0.2.2:5000", "192.0.2.1:80"))),
		}, ""},
		{"to itself", []*observe.Report{process("a", 1, socketOf(1, tcpPipe(10, "192.0.2.1:80", "192.0.2.1:80")))}, ""},
		{"ipc, by order", []*observe.Report{
			process("a", 1, socketOf(1, ipcPipe(10, true, "/run/x.sock", 2, 1), ipcPipe(11, true, "/run/x.sock", 2, 5), ipcPipe(12, true, "/run/y.sock", 2, 3))),
			process("b", 2, socketOf(1, ipcPipe(22, false, "x.sock", 1, 4.9), ipcPipe(21, false, "x.sock", 1, 0.9), ipcPipe(23, false, "y.sock", 1, 2))),
		}, "a.1.10>b.1.21 a.1.11>b.1.22 a.1.12>b.1.23 b.1.21>a.1.10 b.1.22>a.1.11 b.1.23>a.1.12"},
		{"ipc, an end is not there yet", []*observe.Report{
			process("a", 1, socketOf(1, ipcPipe(10, true, "/run/x.sock", 2, 1))),
			process("b", 2, socketOf(1, ipcPipe(21, false, "/run/x.sock", 1, 1), ipcPipe(22, false, "/run/x.sock", 1, 2))),
		}, ""},
		{"ipc of another machine", []*observe.Report{
			process("a", 1, socketOf(1, ipcPipe(10, true, "/run/x.sock", 2, 1))),
			elsewhere(process("b", 2, socketOf(1, ipcPipe(21, false, "/run/x.sock", 1, 1)))),
		}, ""},
		{"ipc without a process", []*observe.Report{
			process("a", 1, socketOf(1, ipcPipe(10, true, "/run/x.sock", 0, 1))), process("b", 2, socketOf(1, ipcPipe(21, false, "/run/x.sock", 0, 1))),
		}, ""},
		{"within a process by ipc", []*observe.Report{
			process("a", 1, socketOf(1, ipcPipe(10, true, "/run/x.sock", 1, 1)), socketOf(2, ipcPipe(11, false, "/run/x.sock", 1, 1))),
		}, "a.1.10>a.2.11 a.2.11>a.1.10"},
		{"inproc", []*observe.Report{
			process("a", 1, socketOf(1, spry.PipeStats{ID: 10, PeerSocket: 2, PeerPipe: 11}), socketOf(2, spry.PipeStats{ID: 11, PeerSocket: 1, PeerPipe: 10})),
			process("b", 1, socketOf(2, spry.PipeStats{ID: 11, PeerSocket: 9, PeerPipe: 10})),
		}, "a.1.10>a.2.11 a.2.11>a.1.10"},
	} {
		m := newModel()
		for _, r := range c.processes {
			s := &source{url: r.Instance}
			m.add(s)
			s.answered(r, start)
		}
		if got := strings.Join(edges(m.render(10, start)), " "); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestRates(t *testing.T) {
	with := func(n uint64) *observe.Report {
		r := process("a", 1, socketOf(1, spry.PipeStats{ID: 10}))
		s := &r.Sockets[0]
		s.Send.Sent, s.Recv.Delivered, s.Send.Bytes, s.Recv.Bytes = n, 2*n, 100*n, 200*n
		s.Send.Dropped, s.Recv.Dropped = map[spry.Reason]uint64{"overflow": n, "other": 0}, map[spry.Reason]uint64{"ttl": n}
		s.Pipes[0].Send, s.Pipes[0].Recv = s.Send, s.Recv
		return r
	}
	m, s := newModel(), &source{url: "x"}
	m.add(s)
	s.answered(with(1000), at(0))
	v := m.render(10, at(0))[0].Sockets[0]
	if v.Rates != (socketRates{}) || v.Totals.Sent != 1000 || v.Totals.RecvBytes != 200_000 {
		t.Errorf("%+v", v)
	}
	s.answered(with(1100), at(2))
	v = m.render(10, at(2))[0].Sockets[0]
	want := flowRates{Sent: 50, Delivered: 100, SendBytes: 5000, RecvBytes: 10_000}
	if v.Rates != (socketRates{want, 100}) || v.Pipes[0].Rates != want {
		t.Errorf("%+v, %+v", v.Rates, v.Pipes[0].Rates)
	}
	if v.Dropped.Send["overflow"] != 1100 || len(v.Dropped.Send) != 1 || v.Pipes[0].Dropped["ttl"] != 1100 || v.Pipes[0].Dropped["overflow"] != 1100 {
		t.Errorf("%+v", v.Dropped)
	}
	s.answered(with(5), at(3)) // it lies
	if v = m.render(10, at(3))[0].Sockets[0]; v.Rates != (socketRates{}) {
		t.Errorf("%+v", v.Rates)
	}
	other := with(2000)
	other.Instance = "b" // another process at this address has no rates yet
	s.answered(other, at(4))
	for _, n := range m.render(10, at(4)) {
		if n.Sockets[0].Rates != (socketRates{}) {
			t.Errorf("%s: %+v", n.Instance, n.Sockets[0].Rates)
		}
	}
}

// states renders the states of processes.
func states(views []*nodeView) string {
	var all []string
	for _, v := range views {
		text := v.Instance + " " + string(v.State)
		if v.Error != "" {
			text += " " + v.Error
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// What becomes of processes that end, hang, and are replaced.
func TestStates(t *testing.T) {
	m := newModel()
	fixed, found := &source{url: "http://a", lasting: true}, &source{url: "unix:///b"}
	m.add(fixed)
	m.add(found)
	refused, hangs := errors.New("refused"), errors.New("hangs")
	never := fixed.instance()
	for _, step := range []struct {
		at   float64
		do   func(now time.Time)
		want string
	}{
		{0, func(time.Time) {}, ""},
		{1, func(now time.Time) { fixed.failed(refused, true, now); found.failed(hangs, false, now) }, never + " gone refused"},
		{2, func(now time.Time) {
			fixed.answered(process("a", 1), now)
			found.answered(process("b", 2), now)
		}, "a up, b up, " + never + " removed"},
		{3, func(now time.Time) { found.failed(hangs, false, now) }, "a up, b unreachable hangs, " + never + " removed"},
		{63, func(time.Time) {}, "a up, b unreachable hangs"},
		{64, func(now time.Time) { found.answered(process("b", 2), now) }, "a up, b up"},
		{65, func(now time.Time) { fixed.answered(process("a2", 3), now) }, "a gone, a2 up, b up"},
		{66, func(now time.Time) { found.answered(process("a2", 3), now) }, "a gone, a2 up, b gone"}, // the same process at two addresses
		{67, func(time.Time) { m.remove(found) }, "a gone, a2 up, b gone"},
		{70, func(now time.Time) { fixed.failed(refused, true, now) }, "a gone, a2 gone refused, b gone"},
		{127, func(time.Time) {}, "a removed, a2 gone refused, b removed"},
		{131, func(time.Time) {}, "a removed, a2 removed, b removed, " + never + " gone refused"},
		{260, func(time.Time) {}, never + " gone refused"},
	} {
		step.do(at(step.at))
		if got := states(m.render(10, at(step.at))); got != step.want {
			t.Errorf("at %v: %s\nwant %s", step.at, got, step.want)
		}
	}
}

// A process that is gone keeps its figures, but moves no more.
func TestGoneProcessesStandStill(t *testing.T) {
	m, a, b := newModel(), &source{url: "a"}, &source{url: "b"}
	m.add(a)
	m.add(b)
	for i := range 2 {
		ra := process("a", 1, socketOf(1, tcpPipe(10, "127.0.0.1:80", "127.0.0.1:5000")))
		ra.Sockets[0].Send.Sent, ra.Sockets[0].Pipes[0].Send.Sent = uint64(100*i), uint64(100*i)
		a.answered(ra, at(float64(i)))
		b.answered(process("b", 2, socketOf(1, tcpPipe(20, "127.0.0.1:5000", "127.0.0.1:80"))), at(float64(i)))
	}
	if all := edges(m.render(10, at(1))); len(all) != 2 {
		t.Fatal(all)
	}
	a.failed(errors.New("refused"), true, at(2))
	views := m.render(10, at(2))
	if all := edges(views); len(all) != 0 {
		t.Error(all)
	}
	i := slices.IndexFunc(views, func(v *nodeView) bool { return v.Instance == "a" })
	s := views[i].Sockets[0]
	if s.Totals.Sent != 100 || s.Rates.Sent != 0 || s.Pipes[0].Sent != 100 || s.Pipes[0].Rates.Sent != 0 {
		t.Errorf("%+v", s)
	}
}

// A URL that answers as another process each time leaves few of them on the page.
func TestFormerProcessesAreFew(t *testing.T) {
	m, s := newModel(), &source{url: "x", lasting: true}
	m.add(s)
	var views []*nodeView
	for i := range 50 {
		s.answered(process(fmt.Sprint("p", i), 1, socketOf(1)), at(float64(i)))
		views = m.render(100, at(float64(i)))
	}
	var left []string
	for _, v := range views {
		switch v.State {
		case up, gone:
			left = append(left, v.Instance)
		case removed:
			if len(v.Sockets) > 0 {
				t.Errorf("%s is removed and has sockets", v.Instance)
			}
		}
	}
	slices.Sort(left)
	if want := []string{"p45", "p46", "p47", "p48", "p49"}; !slices.Equal(left, want) {
		t.Errorf("the page has %q, want %q", left, want)
	}
}

// A hostile process costs the page no more than a large one.
func TestHostileReports(t *testing.T) {
	long := strings.Repeat("é", 10_000)
	r := process(strings.Repeat("x", 10_000), -1)
	for i := range 2000 {
		r.Sockets = append(r.Sockets, socketOf(uint64(i)))
	}
	r.Sockets[0].Pipes = make([]spry.PipeStats, 20_000)
	r.Sockets[0].Endpoints = make([]spry.EndpointStats, 20_000)
	r.Sockets[0].Name, r.Sockets[0].Pipes[0].Identity, r.Sockets[0].Endpoints[0].LastError = long, long, long
	r.Sockets[0].Rejected = map[spry.Reason]uint64{}
	for i := range 1000 {
		r.Sockets[0].Rejected[spry.Reason(fmt.Sprint(i, long))] = math.MaxUint64
	}
	m, s := newModel(), &source{url: "x"}
	m.add(s)
	s.answered(r, start)
	v := m.render(10, start)[0]
	text, err := json.Marshal(v)
	if err != nil || len(text) > 6<<20 || len(v.Sockets) != maxSockets || len(v.Sockets[0].Pipes) != maxPipes || len(v.Sockets[0].Endpoints) != maxEndpoints ||
		len(v.Sockets[0].Rejected) != maxReasons || len(v.Sockets[0].Name) > maxText+3 || v.Left == 0 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	for range 20 {
		m.add(&source{url: "more", state: up, report: process(fmt.Sprint(len(m.sources)), 1)})
	}
	if n := len(m.render(10, start)); n != 10 {
		t.Errorf("%d processes", n)
	}
}

// Whatever processes report, the model renders JSON, and every peer is one that was reported, and the other's peer.
func FuzzModel(f *testing.F) {
	f.Add([]byte(`[{"instance":"a","process":{"host":"h","pid":1},"sockets":[{"id":1,"pipes":[{"id":1,"local":"127.0.0.1:1","remote":"127.0.0.1:2"}]}]},
		{"instance":"b","process":{"host":"h","pid":2},"sockets":[{"id":1,"pipes":[{"id":1,"local":"127.0.0.1:2","remote":"127.0.0.1:1"},{"id":1,"peer_socket":1,"peer_pipe":1}]}]}]`))
	f.Add([]byte(`[{"instance":"a","process":{"pid":1},"sockets":[{"id":1,"pipes":[{"id":1,"local":"/x","remote":"@","peer_pid":1,"listening":true},
		{"id":2,"remote":"/x","peer_pid":1,"since":"2026-01-01T00:00:00Z"}]}]},{"instance":"a"},{"instance":""}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var reports []*observe.Report
		if json.Unmarshal(text, &reports) != nil {
			return
		}
		m := newModel()
		for round := range 3 {
			for i, r := range reports {
				if i == len(m.sources) {
					m.add(&source{url: fmt.Sprint(i), lasting: i%2 == 0})
				}
				switch {
				case r == nil:
					m.sources[i].failed(errors.New("none"), round%2 == 0, at(float64(round)))
				default:
					m.sources[i].answered(r, at(float64(round)))
				}
			}
			views := m.render(100, at(float64(round)))
			known := make(map[pipeRef]*pipeRef)
			for _, v := range views {
				if _, err := json.Marshal(v); err != nil {
					t.Fatal(err)
				}
				for _, s := range v.Sockets {
					for _, p := range s.Pipes {
						known[pipeRef{v.Instance, s.ID, p.ID}] = p.Peer
					}
				}
			}
			for ref, peer := range known {
				if peer == nil {
					continue
				}
				if _, reported := known[*peer]; !reported {
					t.Fatalf("%v has the peer %v, which is not there", ref, *peer)
				}
			}
		}
	})
}

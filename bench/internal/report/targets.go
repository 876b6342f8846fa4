// SPDX-License-Identifier: MIT

package report

// A target is what Spry is to reach in some cases: by comparison with others there, or by itself.
type target struct {
	caseSet
	bound
}

// A caseSet has the cases of a target: all combinations of its lists.
type caseSet struct {
	title      string
	work       string
	transports []string
	sizes      []int
	params     []int  // none if not said
	place      string // 1cpu if not said, which repeats well
	thanParam  int    // of the case to compare with; 0 for the same case
}

// A bound limits a contender's metric.
type bound struct {
	who    string   // contender
	metric string   // of rows
	than   []string // a ratio to the best of these contenders; nil for the metric itself
	floor  float64  // to be kept, or none
	goal   float64  // to be reached, or none
}

// none stands where a target has no floor or no goal.
const none = -1

const (
	kib, mib = 1 << 10, 1 << 20
	million  = 1_000_000
)

var (
	tcp, ipc, inproc = []string{"tcp"}, []string{"ipc"}, []string{"inproc"}
	tcpAndIPC        = []string{"tcp", "ipc"}
	tiny             = []int{16, 64}
	small            = []int{16, 64, 256, kib}
	medium           = []int{8 * kib, 64 * kib}
	requests         = []int{64, kib}
	everySize        = []int{16, 64, 256, kib, 8 * kib, 64 * kib, mib}
	noSize, noParam  = []int{0}, []int{0}

	libzmq, mangos, nats, goraw = []string{"libzmq"}, []string{"mangos"}, []string{"nats"}, []string{"goraw"}
	otherDialect                = []string{"spry"}
	withRequestState            = []string{"libnng", "mangos"}
	libraries                   = []string{
		"libzmq", "libzmq/tuned", "libnng", "libnng/tuned", "nanomsg", "nanomsg/tuned", "mangos", "gozmq", "pebbe", "nats",
	}
)

// targets are in the order of works. Behind each bound: floor and goal.
var targets = flattened([]targetGroup{
	{caseSet{title: "One way, 16 B to 1 KiB", work: "thr", transports: tcpAndIPC, sizes: small}, []bound{
		{"spry", "rate", libzmq, 2.8, none},
	}},
	{caseSet{title: "One way, 16 and 64 B", work: "thr", transports: tcpAndIPC, sizes: tiny}, []bound{
		{"spry", "rate", mangos, 40, none},
		{"spry/batch", "rate", libzmq, 7, 11},
		{"spry/batch", "rate", goraw, none, 1},
	}},
	{caseSet{title: "One way, 16 and 64 B, tcp", work: "thr", transports: tcp, sizes: tiny}, []bound{
		{"spry", "rate", nats, 5, none},
	}},
	{caseSet{title: "One way, 64 B", work: "thr", transports: tcpAndIPC, sizes: []int{64}}, []bound{
		{"spry", "rate", libzmq, 2.8, 5},
		{"spry", "rate", goraw, none, 0.6},
		{"spry", "cpu", libzmq, 0.4, 0.2},
		{"spry", "allocs", nil, 1, none},
		{"spry/batch", "allocs", nil, 0.01, 0.005}, // to two digits: none
	}},
	{caseSet{title: "One way, 1 KiB", work: "thr", transports: tcpAndIPC, sizes: []int{kib}}, []bound{
		{"spry", "rate", goraw, none, 0.95},
	}},
	{caseSet{title: "One way, 8 KiB", work: "thr", transports: tcpAndIPC, sizes: []int{8 * kib}}, []bound{
		{"spry", "rate", libzmq, 2.8, 4},
	}},
	{caseSet{title: "One way, 64 KiB", work: "thr", transports: tcpAndIPC, sizes: []int{64 * kib}}, []bound{
		{"spry", "rate", libzmq, 1.6, 2.2},
	}},
	{caseSet{title: "One way, 8 and 64 KiB", work: "thr", transports: tcpAndIPC, sizes: medium}, []bound{
		{"spry", "rate", libraries, 1, none},
		{"spry", "rate", goraw, none, 1},
	}},
	{caseSet{title: "One way, 1 MiB", work: "thr", transports: tcpAndIPC, sizes: []int{mib}}, []bound{
		{"spry", "rate", goraw, 0.95, 1.1},
		{"spry", "rate", libzmq, 0.95, 1.1},
	}},
	{caseSet{title: "One way", work: "thr", transports: tcpAndIPC, sizes: everySize}, []bound{
		{"spry/zmtp", "rate", otherDialect, 0.9, 1},
		{"spry/zmtp", "cpu", otherDialect, 1.1, 1},
		{"spry/zmtp-batch", "rate", []string{"spry/batch"}, 0.9, 1},
	}},
	{caseSet{title: "Encrypted, 64 B", work: "curve", transports: tcp, sizes: []int{64}}, []bound{
		{"spry/curve", "rate", []string{"libzmq/curve"}, 1.2, 2},
	}},
	{caseSet{title: "Encrypted, 4 KiB", work: "curve", transports: tcp, sizes: []int{4 * kib}}, []bound{
		{"spry/curve", "rate", []string{"libzmq/curve"}, 1, 1.2},
	}},
	{caseSet{title: "Round trip, tcp", work: "lat", transports: tcp, sizes: requests}, []bound{
		{"spry", "p50", libzmq, 0.55, 0.45},
		{"spry", "p50", mangos, 0.9, none},
		{"spry", "p50", goraw, 1.15, 1.02},
	}},
	{caseSet{title: "Round trip, tcp", work: "lat", transports: tcp, sizes: requests, place: "free"}, []bound{
		{"spry", "p50", mangos, 0.7, none},
		{"spry", "p50", libzmq, none, 0.35},
	}},
	{caseSet{title: "Round trip, ipc", work: "lat", transports: ipc, sizes: requests}, []bound{
		{"spry", "p50", libzmq, 0.45, 0.38},
		{"spry", "p50", mangos, 0.8, none},
	}},
	{caseSet{title: "Round trip, ipc", work: "lat", transports: ipc, sizes: requests, place: "free"}, []bound{
		{"spry", "p50", libzmq, none, 0.2},
	}},
	{caseSet{title: "Round trip", work: "lat", transports: tcpAndIPC, sizes: requests}, []bound{
		{"spry", "p99", goraw, 1.3, 1},
		{"spry", "allocs", nil, 3, 1},
		{"spry/zmtp", "p50", otherDialect, 1.1, 1},
	}},
	{caseSet{title: "Within a process, 64 B", work: "inproc-thr", transports: inproc, sizes: []int{64}}, []bound{
		{"spry/copy", "rate", []string{"libzmq/copy"}, 2, 4},
		{"spry/own", "rate", []string{"libzmq/own"}, 3, 8},
		{"spry/own", "rate", []string{"goraw/own"}, none, 1},
	}},
	{caseSet{title: "Round trip within a process", work: "inproc-lat", transports: inproc, sizes: requests}, []bound{
		{"spry", "p50", libzmq, 0.1, none},
		{"spry", "p50", mangos, 0.3, none},
		{"spry", "p50", goraw, none, 1.3},
	}},
	{caseSet{title: "Fan-out", work: "fan", transports: tcp, sizes: []int{256}, params: []int{8, 64}}, []bound{
		{"spry", "rate", []string{"libzmq/nodrop"}, 3, 6},
		{"spry", "rate", goraw, none, 0.7},
		{"spry", "lost", nil, 0, none},
		{"spry/zmtp", "rate", otherDialect, 0.9, 1},
	}},
	{caseSet{title: "64 callers on one connection", work: "callers-mux", transports: tcp, sizes: []int{64}, params: []int{64}}, []bound{
		{"spry", "rate", withRequestState, 5, 9},
		{"spry", "rate", libzmq, 0.7, 1.2},
		{"spry/zmtp", "rate", otherDialect, 0.9, 1},
	}},
	{caseSet{title: "64 callers on a connection each", work: "callers-conns", transports: tcp, sizes: []int{64}, params: []int{64}}, []bound{
		{"spry", "rate", goraw, 0.85, 0.95},
		{"spry", "rate", libzmq, 1.4, none},
		{"spry/zmtp", "rate", otherDialect, 0.9, 1},
	}},
	{caseSet{title: "5,000 connections", work: "idle", transports: tcp, sizes: noSize, params: []int{5000}}, []bound{
		{"spry", "kib", nil, 6, 4},
		{"spry", "goroutines", nil, 1, none},
		{"spry", "accept", mangos, 1, none},
	}},
	{caseSet{title: "512 pipes to one socket", work: "pipes", transports: tcp, sizes: []int{64}, params: []int{512}, thanParam: 8}, []bound{
		{"spry", "rate", []string{"spry"}, 0.8, 0.95},
	}},
	{caseSet{title: "1,000,000 subscriptions", work: "subs", transports: inproc, sizes: []int{64}, params: []int{million}}, []bound{
		{"spry", "rate", nil, 0.5 * million, 2 * million}, // 2 and 0.5 µs for a match and all that a message costs besides
		{"spry", "bytes", nil, 150, none},                 // the topic included
	}},
})

// A targetGroup is the targets of some cases.
type targetGroup struct {
	cases  caseSet
	bounds []bound
}

func flattened(groups []targetGroup) (all []target) {
	for _, g := range groups {
		if g.cases.params == nil {
			g.cases.params = noParam
		}
		if g.cases.place == "" {
			g.cases.place = "1cpu"
		}
		for _, b := range g.bounds {
			all = append(all, target{g.cases, b})
		}
	}
	return all
}

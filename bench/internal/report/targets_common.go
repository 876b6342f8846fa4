// SPDX-License-Identifier: MIT

package report

// commonTargets are in the order of works. Behind each bound: what must be, and the goal. Without a place it is for both.
var commonTargets = flattened([]targetGroup{
	{caseSet{title: "One way, 16 B to 1 KiB", work: "thr", transports: tcpAndIPC, sizes: small, place: "1cpu"}, []bound{
		{"spry", "rate", libzmq, 2.8, none},
	}},
	{caseSet{title: "One way, 16 and 64 B", work: "thr", transports: tcpAndIPC, sizes: tiny}, []bound{
		{"spry", "rate", mangos, 40, none},
		{"spry/batch", "rate", goraw, none, 1},
	}},
	{caseSet{title: "One way, 16 and 64 B", work: "thr", transports: tcpAndIPC, sizes: tiny, place: "1cpu"}, []bound{
		{"spry/batch", "rate", libzmq, 7, 11},
	}},
	{caseSet{title: "One way, 64 B, bodies both ways", work: "thr", transports: tcpAndIPC, sizes: []int{64}, place: "1cpu"}, []bound{
		{"spry/bodies", "rate", libzmq, 4.5, 5},
		{"spry/bodies", "allocs", nil, 0.01, 0.005},
		{"spry/recv-bodies", "rate", []string{"spry"}, 1.1, none},
	}},
	{caseSet{title: "One way, 16 and 64 B, tcp", work: "thr", transports: tcp, sizes: tiny}, []bound{
		{"spry", "rate", nats, 5, none},
	}},
	{caseSet{title: "One way, 64 B", work: "thr", transports: tcpAndIPC, sizes: []int{64}}, []bound{
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
		{"spry", "rate", bestRaw, none, 1},
	}},
	{caseSet{title: "One way, 1 MiB, tcp", work: "thr", transports: tcp, sizes: []int{mib}}, []bound{
		{"spry", "rate", libzmq, 0.95, 1.1},
	}},
	{caseSet{title: "One way, 1 MiB, ipc", work: "thr", transports: ipc, sizes: []int{mib}}, []bound{
		{"spry", "rate", libzmq, 1.3, 1.4},
	}},
	{caseSet{title: "One way, 1 MiB", work: "thr", transports: tcpAndIPC, sizes: []int{mib}}, []bound{
		{"spry", "rate", bestRaw, 0.95, 1.1},
	}},
	{caseSet{title: "One way", work: "thr", transports: tcpAndIPC, sizes: everySize, place: "1cpu"}, ofDialects},
	{caseSet{title: "One way", work: "thr", transports: tcpAndIPC, sizes: []int{64, kib, 64 * kib}, place: "free"}, ofDialects},
	{caseSet{title: "Encrypted, 64 B", work: "curve", transports: tcp, sizes: []int{64}}, []bound{
		{"spry/curve", "rate", []string{"libzmq/curve"}, 1.2, 2},
	}},
	{caseSet{title: "Encrypted, 4 KiB", work: "curve", transports: tcp, sizes: []int{4 * kib}}, []bound{
		{"spry/curve", "rate", []string{"libzmq/curve"}, 1, 1.2},
	}},
	{caseSet{title: "Round trip, tcp", work: "lat", transports: tcp, sizes: requests, place: "1cpu"}, []bound{
		{"spry", "p50", libzmq, 0.55, 0.45},
		{"spry", "p50", mangos, 0.9, none},
		{"spry", "p50", goraw, 1.14, 1.1},
	}},
	{caseSet{title: "Round trip, tcp", work: "lat", transports: tcp, sizes: requests, place: "free"}, []bound{
		{"spry", "p50", mangos, 0.7, none},
	}},
	{caseSet{title: "Round trip, ipc", work: "lat", transports: ipc, sizes: requests, place: "1cpu"}, []bound{
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
	{caseSet{title: "Within a process, 64 B, bodies both ways", work: "inproc-thr", transports: inproc, sizes: []int{64}, place: "1cpu"}, []bound{
		{"spry/bodies", "rate", []string{"libzmq/copy"}, 2.8, 3},
		{"spry/bodies", "allocs", nil, 0.01, 0.005},
	}},
	{caseSet{title: "Within a process, written messages in batches", work: "inproc-thr", transports: inproc, sizes: []int{kib, 4 * kib}}, []bound{
		{"spry/batch", "rate", []string{"libzmq/copy"}, 3, none},
	}},
	{caseSet{title: "Round trip within a process", work: "inproc-lat", transports: inproc, sizes: requests}, []bound{
		{"spry", "p50", libzmq, 0.1, none},
		{"spry", "p50", mangos, 0.3, none},
		{"spry", "p50", goraw, none, 1.3},
	}},
	{caseSet{title: "Fan-out", work: "fan", transports: tcp, sizes: []int{256}, params: []int{8, 64}, place: "1cpu"}, []bound{
		{"spry", "rate", []string{"libzmq/nodrop"}, 3, 6},
	}},
	{caseSet{title: "Fan-out", work: "fan", transports: tcp, sizes: []int{256}, params: []int{8, 64}}, []bound{
		{"spry", "rate", goraw, none, 0.7},
		{"spry", "lost", nil, 0, none},
		{"spry/zmtp", "rate", otherDialect, 0.9, 1},
	}},
	{caseSet{title: "64 callers on one connection", work: "callers-mux", transports: tcp, sizes: []int{64}, params: []int{64}}, []bound{
		{"spry", "rate", withRequestState, 5, 9},
		{"spry/zmtp", "rate", otherDialect, 0.9, 1},
	}},
	{caseSet{title: "64 callers on one connection", work: "callers-mux", transports: tcp, sizes: []int{64}, params: []int{64}, place: "1cpu"}, []bound{
		{"spry", "rate", libzmq, 0.7, 1.2},
	}},
	{caseSet{title: "64 callers on a connection each", work: "callers-conns", transports: tcp, sizes: []int{64}, params: []int{64}}, []bound{
		{"spry", "rate", goraw, 0.85, 0.95},
		{"spry/zmtp", "rate", otherDialect, 0.9, 1},
	}},
	{caseSet{title: "64 callers on a connection each", work: "callers-conns", transports: tcp, sizes: []int{64}, params: []int{64}, place: "1cpu"}, []bound{
		{"spry", "rate", libzmq, 1.4, none},
	}},
	{caseSet{title: "5,000 connections", work: "idle", transports: tcp, sizes: noSize, params: []int{5000}}, []bound{
		{"spry", "kib", nil, 5.5, 4},
		{"spry", "goroutines", nil, 1, none},
		{"spry", "accept", mangos, 1, 0.8},
	}},
	{caseSet{title: "1,000,000 subscriptions", work: "subs", transports: inproc, sizes: []int{64}, params: []int{million}}, []bound{
		{"spry", "rate", nil, 0.5 * million, 2 * million}, // 2 and 0.5 µs for a match and all that a message costs besides
		{"spry", "bytes", nil, 150, none},                 // the topic included
	}},
})

// ofDialects compare ZeroMQ's dialect with that of the Scalability Protocols.
var ofDialects = []bound{
	{"spry/zmtp", "rate", otherDialect, 0.9, 1},
	{"spry/zmtp", "cpu", otherDialect, 1.1, 1},
	{"spry/zmtp-batch", "rate", []string{"spry/batch"}, 0.9, 1},
}

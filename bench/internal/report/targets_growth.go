// SPDX-License-Identifier: MIT

package report

import "slices"

// targets are all of them.
var targets = slices.Concat(commonTargets, freeTargets, growthTargets, webTargets)

// freeTargets are what users have: two processors or more, and the default GOMAXPROCS. A mode that ends in 1p, 4p or 8p has that
// many processors in Go's view, on the same machine.
var freeTargets = flattened([]targetGroup{
	{caseSet{title: "One way, 64 B, tcp", work: "thr", transports: tcp, sizes: []int{64}, place: "free"}, []bound{
		{"spry", "rate", libzmq, 4, 5.5},
		{"spry/batch", "rate", libzmq, 4.5, 6},
	}},
	{caseSet{title: "One way, 64 B, ipc", work: "thr", transports: ipc, sizes: []int{64}, place: "free"}, []bound{
		{"spry", "rate", libzmq, 4.5, 6},
		{"spry/batch", "rate", libzmq, 5, 6.5},
	}},
	{caseSet{title: "One way, 64 B", work: "thr", transports: tcpAndIPC, sizes: []int{64}, place: "free"}, []bound{
		{"spry", "rate", []string{"spry/1p"}, 0.8, 1},
		{"spry/batch", "rate", []string{"spry/batch-1p"}, 0.8, 1},
		{"spry/4p", "rate", []string{"spry"}, 0.8, none},
		{"spry/8p", "rate", []string{"spry"}, 0.8, none},
		{"spry/batch-4p", "rate", []string{"spry/batch"}, 0.8, none},
		{"spry/batch-8p", "rate", []string{"spry/batch"}, 0.8, none},
	}},
	{caseSet{title: "Round trip, 64 B, tcp", work: "lat", transports: tcp, sizes: []int{64}, place: "free"}, []bound{
		{"spry", "p50", libzmq, 0.31, 0.29},
		{"spry/4p", "p50", []string{"spry"}, 1.25, none},
		{"spry/8p", "p50", []string{"spry"}, 1.25, none},
	}},
	{caseSet{title: "Fan-out to 8", work: "fan", transports: tcp, sizes: []int{256}, params: []int{8}, place: "free"}, []bound{
		{"spry", "rate", []string{"libzmq/nodrop"}, 4, 4.6},
	}},
	{caseSet{title: "Fan-out to 64", work: "fan", transports: tcp, sizes: []int{256}, params: []int{64}, place: "free"}, []bound{
		{"spry", "rate", []string{"libzmq/nodrop"}, 3.8, 4.2},
	}},
	{caseSet{title: "Fan-out", work: "fan", transports: tcp, sizes: []int{256}, params: []int{8, 64}, place: "free"}, moreProcessors},
	{
		caseSet{title: "64 callers on one connection", work: "callers-mux", transports: tcp, sizes: []int{64}, params: []int{64}, place: "free"},
		append(moreProcessors, bound{"spry", "rate", libzmq, 1, 1.27}),
	},
	{
		caseSet{title: "64 callers on a connection each", work: "callers-conns", transports: tcp, sizes: []int{64}, params: []int{64}, place: "free"},
		append(moreProcessors, bound{"spry", "rate", libzmq, 2.1, 2.5}),
	},
})

var moreProcessors = []bound{
	{"spry/4p", "rate", []string{"spry"}, 0.8, none},
	{"spry/8p", "rate", []string{"spry"}, 0.8, none},
}

// growthTargets are about what must not grow with the number of peers, or hardly.
var growthTargets = flattened([]targetGroup{
	{caseSet{title: "512 pipes to one socket", work: "pipes", transports: tcp, sizes: []int{64}, params: []int{512}, place: "1cpu"}, []bound{
		{"spry", "rate", nil, 1.2 * million, none},
	}},
	{caseSet{title: "2,000 pipes to one socket", work: "pipes", transports: tcp, sizes: []int{64}, params: []int{2000}, place: "1cpu"}, []bound{
		{"spry", "rate", nil, 0.9 * million, none},
	}},
	{caseSet{title: "512 and 2,000 pipes to one socket", work: "pipes", transports: tcp, sizes: []int{64}, params: []int{512, 2000}, thanParam: 8}, []bound{
		{"spry", "rate", []string{"spry"}, none, 0.65},
	}},
	{caseSet{title: "A message that none of 1,000 subscribers wants", work: "scale-topics", transports: tcp, sizes: []int{64}, params: []int{1000}}, []bound{
		{"spry/zmtp", "ns", nil, 250, 150},
	}},
	{caseSet{title: "A subscriber with topics of 1,400 lengths", work: "scale-lengths", transports: tcp, sizes: []int{1500}, params: []int{1400}}, []bound{
		{"spry/zmtp", "ns", nil, 500, none},
	}},
	{caseSet{title: "1,400 topics that all match", work: "scale-nested", transports: tcp, sizes: []int{1500}, params: []int{1400}}, []bound{
		{"spry/zmtp", "ns", nil, 3000, none},
	}},
	{caseSet{title: "One more pipe", work: "scale-pipes", transports: tcp, sizes: noSize, params: pipeCounts, growth: true}, []bound{
		{"spry", "open", nil, 0.1, none},
		{"spry", "close", nil, 0.1, none},
	}},
	{caseSet{title: "One to 4,000, message by message", work: "scale-spread", transports: tcp, sizes: []int{64}, params: []int{4000}}, []bound{
		{"spry", "ns", nil, 2000, 700},
		{"spry", "ns", goraw, none, 1.5},
	}},
})

// pipeCounts are those that the work scale-pipes has.
var pipeCounts = []int{100, 1000, 4000, 8000}

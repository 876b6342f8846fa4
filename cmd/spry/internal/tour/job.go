// SPDX-License-Identifier: MIT

package tour

// The tour and its peers talk over the peers' standard input and output, one JSON object a line:
//
//	tour: {"run":{"role":"pull","url":"tcp://127.0.0.1:40123"}}
//	peer: {"ready":true}                    it has connected
//	tour: {"stop":true}                     everything is sent
//	peer: {"report":{...}}                  or {"error":"..."} at any time
//
// and again, until the peer's standard input ends.

// A job is the task of a peer in one leg of the tour.
type job struct {
	Role    string `json:"role"`              // what its socket is: "pull", "rep"
	URL     string `json:"url"`               // where it dials
	Trusted []byte `json:"trusted,omitempty"` // PEM of the certificate that is there; none without TLS
}

// A report is the counters of a peer for one job.
type report struct {
	Received int64            `json:"received"`
	Fast     int64            `json:"fast"`    // of those, the ones without a stamp
	LastNS   int64            `json:"last_ns"` // when the last of those came, by the shared clock
	Latency  []int64          `json:"latency"` // of the ones with a stamp, in nanoseconds
	Drops    map[string]int64 `json:"drops"`
}

// An order is a line from the tour to a peer, an answer one back.
type order struct {
	Run  *job `json:"run,omitempty"`
	Stop bool `json:"stop,omitempty"`
}

type answer struct {
	Ready  bool    `json:"ready,omitempty"`
	Report *report `json:"report,omitempty"`
	Error  string  `json:"error,omitempty"`
}

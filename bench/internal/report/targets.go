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
	place      string // both if not said
	thanParam  int    // of the case to compare with; 0 for the same case
	growth     bool   // of the exponent of the cost over all parameters, instead of the cost
}

// A bound limits a contender's metric.
type bound struct {
	who    string   // contender
	metric string   // of rows
	than   []string // a ratio to the best of these contenders; nil for the metric itself
	floor  float64  // that must be kept, or none
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
	bestRaw                     = []string{"goraw", "goraw/tuned"} // the better of both
	otherDialect                = []string{"spry"}
	withRequestState            = []string{"libnng", "mangos"}
	// libraries are those that have been the best of a case, or not far from it.
	libraries = []string{"libzmq", "libzmq/tuned", "libnng", "nanomsg", "nanomsg/tuned", "mangos"}
)

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
		for _, place := range []string{"1cpu", "free"} {
			if g.cases.place != "" && g.cases.place != place {
				continue
			}
			for _, b := range g.bounds {
				one := target{g.cases, b}
				one.place = place
				all = append(all, one)
			}
		}
	}
	return all
}

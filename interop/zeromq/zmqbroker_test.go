// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/zmq"
)

// TestZeroMQBrokersMeetWorkers has libzmq's ROUTER play the load-balancing broker of ZeroMQ's guide, which expects nothing before
// the empty frame of what a worker sends: Spry's Req is that worker.
func TestZeroMQBrokersMeetWorkers(t *testing.T) {
	withPeer(t, "ROUTER, a broker – zmq REQ, a worker", func(t *testing.T, p *zmqPeer, a kit.Address) {
		o := kit.Options
		o.Identity = "worker"
		worker, ctx := zmq.NewReq(&zmq.ReqOptions{Options: o}), kit.Watched(t)
		p.do("open", args{"socket": "s", "type": "ROUTER", "options": args{"ROUTER_MANDATORY": 1}})
		if a.SpryListens {
			kit.Attach(t, worker, a)
			p.attach("s", a)
		} else {
			p.attach("s", a)
			kit.Attach(t, worker, a)
		}
		said := []string{"READY"}
		for _, task := range []string{"first", "second", "third"} {
			got := make(chan [][]byte)
			go func() {
				var frames [][]byte
				for _, f := range said {
					frames = append(frames, []byte(f))
				}
				got <- kit.Must[[][]byte](t)(worker.Do(ctx, frames...))
			}()
			want := []string{text("worker"), text("")}
			for _, f := range said {
				want = append(want, text(f))
			}
			p.expect("s", want)
			p.send("s", text("worker"), text(""), text("client"), text(""), text(task))
			sameFrames(t, <-got, []string{text("client"), text(""), text(task)})
			said = []string{"client", "", "done " + task}
		}
		testkit.Check(t, worker.Close())
	})
}

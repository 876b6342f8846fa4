// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/sprytest"
)

// sendOrders is a part of the program under test: it reports each order until a server has confirmed it.
func sendOrders(ctx context.Context, req *spry.Req, orders []string) error {
	for _, order := range orders {
		if _, err := req.Do(ctx, []byte(order)); err != nil {
			return err
		}
	}
	return nil
}

func TestOrdersArrive(t *testing.T) {
	sprytest.Run(t, 25, func(w *sprytest.World) { // 25 networks, each with faults of its own
		journal := sprytest.NewJournal[string](w, "orders", sprytest.Complete)
		rep := spry.NewRep(&spry.RepOptions{Options: w.Host("server").Options()})
		defer rep.Close()
		if _, err := rep.Listen(w.Context(), "tcp://*:5555"); err != nil {
			w.Fatal(err)
		}
		go rep.Serve(w.Context(), 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			journal.Received("server", string(r.Bytes()))
			_ = r.Reply(ctx, []byte("booked")) // an error: it is sent again
		}))

		req := spry.NewReq(&spry.ReqOptions{Options: w.Host("client").Options(), Retry: time.Second, MaxAttempts: -1})
		defer req.Close()
		if _, err := req.Connect("tcp://server:5555"); err != nil {
			w.Fatal(err)
		}
		go w.Chaos(sprytest.Chaos{For: time.Minute, Every: 5 * time.Second})
		for _, order := range []string{"oak", "elm", "ash"} {
			journal.Sent("client", order)
			if err := sendOrders(w.Context(), req, []string{order}); err != nil {
				w.Fatal(err)
			}
			time.Sleep(20 * time.Second) // of virtual time
		}
	})
}

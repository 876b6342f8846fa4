// SPDX-License-Identifier: MIT

package sprytest_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/sprytest"
)

// A shop is a program with a primary and a backup server. They share a ledger, which books each order number once. A customer sends its
// orders to the primary, and to the backup if the primary does not answer in time.

// A ledger is what the servers share, such as a database.
type ledger struct {
	mu     sync.Mutex
	booked map[string]bool // by number
	last   int
	book   func(order string)
}

// take books an order unless its number is known.
func (l *ledger) take(number, order string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.booked[number] {
		l.booked[number] = true
		l.book(order)
	}
}

// number returns a new number.
func (l *ledger) number() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	return strconv.Itoa(l.last)
}

// serve books orders, such as "17 two apples", until the socket is closed.
func serve(o spry.Options, url string, l *ledger) (*spry.Rep, error) {
	rep := spry.NewRep(&spry.RepOptions{Options: o})
	if _, err := rep.Listen(context.Background(), url); err != nil {
		_ = rep.Close()
		return nil, err
	}
	go rep.Serve(context.Background(), 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		number, order, _ := strings.Cut(string(r.Bytes()), " ")
		l.take(number, order)
		_ = r.Reply(ctx, []byte("booked")) // the customer asks again if it gets no answer
	}))
	return rep, nil
}

// A customer has a connection to each server, the primary first.
type customer struct {
	servers []*spry.Req
	number  func() string
}

func newCustomer(o spry.Options, number func() string, urls ...string) (*customer, error) {
	c := &customer{number: number}
	for _, url := range urls {
		req := spry.NewReq(&spry.ReqOptions{Options: o, Retry: -1})
		c.servers = append(c.servers, req)
		if _, err := req.Connect(url); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *customer) close() {
	for _, s := range c.servers {
		_ = s.Close()
	}
}

// ask sends an order to one server and waits a second for its answer.
func (c *customer) ask(ctx context.Context, server *spry.Req, number, what string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := server.Do(ctx, []byte(number+" "+what))
	return err
}

// orderHastily is the program with a fault. Each attempt has a new number, so that an order is booked twice if the primary has booked it
// and only its answer was lost.
func (c *customer) orderHastily(ctx context.Context, what string) error {
	for ctx.Err() == nil {
		for _, server := range c.servers {
			if c.ask(ctx, server, c.number(), what) == nil {
				return nil
			}
		}
	}
	return ctx.Err()
}

// orderWell is the program mended. An order keeps its number.
func (c *customer) orderWell(ctx context.Context, what string) error {
	number := c.number()
	for ctx.Err() == nil {
		for _, server := range c.servers {
			if c.ask(ctx, server, number, what) == nil {
				return nil
			}
		}
	}
	return ctx.Err()
}

// testShop runs the shop in a network in chaos. Every order must be booked, and only once.
func testShop(w *sprytest.World, order func(*customer, context.Context, string) error) {
	journal := sprytest.NewJournal[string](w, "orders", sprytest.Once|sprytest.Complete)
	l := &ledger{booked: map[string]bool{}, book: func(order string) { journal.Received("ledger", order) }}
	for _, name := range []string{"primary", "backup"} {
		rep, err := serve(w.Host(name).Options(), "tcp://*:5555", l)
		if err != nil {
			w.Fatal(err)
		}
		defer rep.Close()
	}
	c, err := newCustomer(w.Host("customer").Options(), l.number, "tcp://primary:5555", "tcp://backup:5555")
	if err != nil {
		w.Fatal(err)
	}
	defer c.close()

	var orders sync.WaitGroup
	orders.Go(func() {
		for i := range 8 {
			what := fmt.Sprintf("order %d", i)
			journal.Sent("customer", what)
			if err := order(c, w.Context(), what); err != nil {
				w.Errorf("%s: %v", what, err)
			}
			time.Sleep(500 * time.Millisecond)
		}
	})
	w.Chaos(sprytest.Chaos{For: 10 * time.Second, Every: 4 * time.Second})
	orders.Wait()
}

// The mended shop keeps its promises.
func TestShop(t *testing.T) {
	sprytest.Run(t, 200, func(w *sprytest.World) { testShop(w, (*customer).orderWell) })
}

// The hasty shop breaks its promise in one of a hundred networks, and again with the seed that the failure names.
func TestHastyShopIsFound(t *testing.T) {
	out, failed := child(t, "hasty shop")
	found := regexp.MustCompile(`run (\d+) of 100 failed. Its seed is (\d+)\.`).FindStringSubmatch(out)
	if !failed || found == nil {
		t.Fatalf("100 runs do not find the fault:\n%s", out)
	}
	again := 0
	const repeats = 10
	for range repeats {
		if out, failed := child(t, "hasty shop", "-sprytest.seed="+found[2]); failed && strings.Contains(out, "again, which ledger has received") {
			again++
		}
	}
	t.Logf("found by run %s; its seed failed again in %d of %d runs", found[1], again, repeats)
	if again < repeats/2 {
		t.Errorf("seed %s failed again in only %d of %d runs", found[2], again, repeats)
	}
}

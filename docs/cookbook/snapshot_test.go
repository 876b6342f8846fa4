// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/sprymq/spry"
)

// A book is what a server keeps and its clients copy. Each update has the next number.
type book struct {
	Number int
	Prices map[string]int
}

type update struct {
	Number int
	Name   string
	Price  int
}

func Example_snapshot() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	feed, whole := spry.NewPub(nil), spry.NewRep(nil)
	defer feed.Close()
	defer whole.Close()
	updates, err := feed.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	snapshots, err := whole.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)

	// The server publishes updates all the time, and the whole book on request.
	var mu sync.Mutex
	server := book{Prices: map[string]int{}}
	go whole.Serve(ctx, 1, spry.HandleTyped(func(context.Context, string) (book, error) {
		mu.Lock()
		defer mu.Unlock()
		return book{server.Number, map[string]int{"oak": server.Prices["oak"], "elm": server.Prices["elm"]}}, nil
	}))
	publish := spry.TypedSender[update]{S: feed, C: spry.JSON[update]{}}
	go func() {
		for ctx.Err() == nil {
			mu.Lock()
			server.Number++
			u := update{server.Number, []string{"oak", "elm"}[server.Number%2], server.Number}
			server.Prices[u.Name] = u.Price
			mu.Unlock()
			_ = publish.Send(ctx, u)
			time.Sleep(time.Millisecond)
		}
	}()

	// A late client subscribes first, and then asks for the book. It asks again whenever an update is missing.
	sub, req := spry.NewSub(nil), spry.NewReq(nil)
	defer sub.Close()
	defer req.Close()
	check(sub.Subscribe(""))
	_, err = sub.Dial(ctx, updates.URL())
	check(err)
	_, err = req.Dial(ctx, snapshots.URL())
	check(err)
	copied := book{Prices: map[string]int{}}
	applied := 0
	for body, err := range sub.Bodies(ctx) {
		check(err)
		var u update
		check(json.Unmarshal(body, &u))
		switch {
		case u.Number <= copied.Number: // the book has it already
		case u.Number == copied.Number+1:
			copied.Number, copied.Prices[u.Name] = u.Number, u.Price
			applied++
		default:
			copied, err = spry.NewCaller[string, book](req).Call(ctx, "the book")
			check(err)
		}
		if applied == 50 {
			break
		}
	}
	last, before := copied.Prices["oak"], copied.Prices["elm"]
	fmt.Println("prices are those of the latest two updates:", max(last, before) == copied.Number, min(last, before) == copied.Number-1)
	// Output: prices are those of the latest two updates: true true
}

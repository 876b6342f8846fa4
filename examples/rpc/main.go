// SPDX-License-Identifier: MIT

// Command rpc is a service with typed requests and replies. Its client has a deadline for each call, and does without a server that
// crashes as long as there is another.
//
//	rpc -serve tcp://127.0.0.1:5557
//	rpc -serve tcp://127.0.0.1:5558
//	rpc -ask tcp://127.0.0.1:5557,tcp://127.0.0.1:5558 ACME SLOW CRASH IBM
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/sprymq/spry"
)

// A Quote asks for the price of a symbol.
type Quote struct{ Symbol string }

// A Price answers a Quote.
type Price struct {
	Cents int    `json:",omitempty"`
	Error string `json:",omitempty"`
}

func main() {
	url := flag.String("serve", "", "serve at this `address`")
	urls := flag.String("ask", "tcp://127.0.0.1:5557", "ask the servers at these `addresses`, with commas, for the symbols that follow")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *url != "" {
		err = serve(ctx, *url)
	} else {
		err = ask(ctx, strings.Split(*urls, ","), flag.Args())
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, url string) error {
	rep := spry.NewRep(nil)
	defer rep.Close()
	if _, err := rep.Listen(ctx, url); err != nil {
		return err
	}
	return rep.Serve(ctx, 4, spry.HandleTyped(price))
}

func price(ctx context.Context, q Quote) (Price, error) {
	switch q.Symbol {
	case "SLOW":
		time.Sleep(4 * time.Second)
	case "CRASH":
		log.Fatal("crashed")
	case "":
		return Price{Error: "no symbol"}, nil
	}
	return Price{Cents: 100 * len(q.Symbol)}, nil
}

func ask(ctx context.Context, urls, symbols []string) error {
	req := spry.NewReq(&spry.ReqOptions{MaxAttempts: 1}) // a request that crashes one server does not go to the others
	defer req.Close()
	for _, url := range urls {
		if _, err := req.Connect(url); err != nil {
			return err
		}
	}
	prices := spry.NewCaller[Quote, Price](req)
	for _, symbol := range symbols {
		calling, cancel := context.WithTimeout(ctx, 2*time.Second)
		p, err := prices.Call(calling, Quote{symbol})
		cancel()
		fmt.Println(symbol, p, err)
	}
	return nil
}

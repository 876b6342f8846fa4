// SPDX-License-Identifier: MIT

// Command market publishes prices. A subscriber that comes late has the last price of each symbol at once, and one that is slow
// loses old prices, which are counted.
//
//	market
//	market -watch FAST -pause 100ms
//	market -watch RARE -count 1
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

func main() {
	url := flag.String("url", "tcp://127.0.0.1:5556", "`address` of the market")
	symbol := flag.String("watch", "", "print prices of this `symbol`; otherwise, publish")
	count := flag.Int("count", 10, "print this `number` of prices")
	pause := flag.Duration("pause", 0, "wait this `time` after each price")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *symbol == "" {
		err = publish(ctx, *url)
	} else {
		err = watch(ctx, *url, *symbol, *count, *pause)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func publish(ctx context.Context, url string) error {
	pub := zmq.NewXPub(&zmq.XPubOptions{LastValues: 1000, Options: zmq.Options{SendQueue: 100}})
	defer pub.Close()
	if _, err := pub.Listen(ctx, url); err != nil {
		return err
	}
	pub.Send(ctx, []byte("RARE"), []byte("7")) // once, before there are subscribers
	for tick := 1; ctx.Err() == nil; tick++ {
		pub.Send(ctx, []byte("FAST"), fmt.Append(nil, tick))
		time.Sleep(time.Millisecond)
	}
	return nil
}

func watch(ctx context.Context, url, symbol string, count int, pause time.Duration) error {
	sub := zmq.NewSub(&zmq.SubOptions{Options: zmq.Options{RecvQueue: 1}})
	defer sub.Close()
	if err := sub.Subscribe(symbol); err != nil {
		return err
	}
	if _, err := sub.Connect(url); err != nil {
		return err
	}
	for range count {
		m, err := sub.Recv(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s %s\n", m[0], m[1])
		time.Sleep(pause)
	}
	fmt.Println("overflow", sub.Stats().Recv.Dropped[spry.ReasonOverflow])
	return nil
}

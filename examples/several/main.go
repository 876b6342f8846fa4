// SPDX-License-Identifier: MIT

// Command several waits for three sockets, a timer and the end of the program in one select statement: it counts what it pulls,
// obeys what is published, and replies with its count.
//
//	several PULL-URL SUB-URL REP-URL
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sprymq/spry"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: several PULL-URL SUB-URL REP-URL")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pull, sub, rep := spry.NewPull(nil), spry.NewSub(nil), spry.NewRep(nil)
	sub.Subscribe("")
	for i, s := range []*spry.Socket{&pull.Socket, &sub.Socket, &rep.Socket} {
		if _, err := s.Listen(ctx, os.Args[1+i]); err != nil {
			log.Fatal(err)
		}
	}
	open := context.Background() // the channels are used until the loop ends, not until they are closed
	jobs, commands, questions := pull.Chan(open), sub.Chan(open), rep.Chan(open)
	ticker := time.NewTicker(100 * time.Millisecond)
	for count, ticks := 0, 0; ; {
		select {
		case job := <-jobs:
			count++
			job.Release()
		case command := <-commands:
			if string(command.Bytes()) == "reset" {
				count = 0
			}
		case question := <-questions:
			question.Request().Reply(ctx, fmt.Append(nil, count, " jobs"))
		case <-ticker.C:
			ticks++
		case <-ctx.Done():
			fmt.Println(count, "jobs in", ticks, "ticks")
			return
		}
	}
}

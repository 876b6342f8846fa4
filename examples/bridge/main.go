// SPDX-License-Identifier: MIT

// Command bridge passes messages from programs that push to programs that pull. Each of them may be of NNG, nanomsg or mangos, of
// ZeroMQ in any language, or of Spry: a listener accepts all of them at one address. To dial a program that listens itself, name
// its protocol: sp+tcp:// or zmtp+tcp://.
//
//	bridge -from tcp://*:5563 -to tcp://*:5564
//	bridge -from sp+tcp://sensors:5563 -to zmtp+tcp://archive:5564
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sprymq/spry"
)

func main() {
	from := flag.String("from", "tcp://127.0.0.1:5563", "`addresses` of programs that push, with commas")
	to := flag.String("to", "tcp://127.0.0.1:5564", "`addresses` of programs that pull, with commas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	pull, push := spry.NewPull(nil), spry.NewPush(nil)
	if err := errors.Join(open(ctx, &pull.Socket, *from), open(ctx, &push.Socket, *to)); err != nil {
		log.Fatal(err)
	}
	log.Print("from ", *from, " to ", *to)
	passing, giveUp := context.WithCancel(context.Background())
	context.AfterFunc(ctx, func() { // the senders stop, and what they have sent is passed on, if that takes no more than 10 s
		time.AfterFunc(10*time.Second, giveUp)
		pull.Drain(passing)
	})
	passed := pass(passing, pull, push)
	err := push.Shutdown(passing)
	fmt.Println(passed, "messages passed on")
	if err != nil {
		log.Fatal(err)
	}
}

// open dials the addresses that name a protocol, and listens at the others.
func open(ctx context.Context, s *spry.Socket, urls string) (err error) {
	for url := range strings.SplitSeq(urls, ",") {
		var failed error
		if strings.HasPrefix(url, "sp+") || strings.HasPrefix(url, "zmtp+") {
			_, failed = s.Connect(url)
		} else {
			_, failed = s.Listen(ctx, url)
		}
		err = errors.Join(err, failed)
	}
	return err
}

// pass passes messages on until pull is drained. Send waits while no program pulls, and then those that push wait too.
func pass(ctx context.Context, pull *spry.Pull, push *spry.Push) (passed int) {
	for m, err := range pull.Messages(ctx) {
		if err == nil {
			err = push.SendMsg(ctx, m)
		}
		switch {
		case errors.Is(err, spry.ErrMultipart):
			log.Print("dropped: ", err) // frames of ZeroMQ, and only NNG is there to pull
		case err != nil:
			log.Print(err)
			return passed
		default:
			passed++
		}
	}
	return passed
}

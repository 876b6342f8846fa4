// SPDX-License-Identifier: MIT

// Command survey asks all nodes for the date, again and again, and logs which come and go. It is mangos' example of that name.
//
//	survey -lead 10
//	survey -name ada
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
)

func main() {
	url := flag.String("url", "tcp://127.0.0.1:5559", "`address` of the leader")
	rounds := flag.Int("lead", 0, "ask this `number` of times; otherwise, answer")
	name := flag.String("name", "node", "`name` of a node that answers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *rounds > 0 {
		err = lead(ctx, *url, *rounds)
	} else {
		err = node(ctx, *url, *name)
	}
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func lead(ctx context.Context, url string, rounds int) error {
	surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Deadline: time.Second / 2, Options: spry.Options{Trace: report}})
	defer surveyor.Close()
	if _, err := surveyor.Listen(ctx, url); err != nil {
		return err
	}
	if err := surveyor.WaitPipes(ctx, 1); err != nil {
		return err
	}
	for round := range rounds {
		for answer, err := range surveyor.Survey(ctx, []byte("DATE")) {
			if err != nil {
				return err
			}
			fmt.Printf("round %d: %s\n", round, answer.Bytes())
		}
	}
	return nil
}

func report(e spry.Event) {
	switch e.Kind {
	case spry.EventPipeUp:
		log.Print("node came: ", e.RemoteAddr)
	case spry.EventPipeDown:
		log.Print("node left: ", e.RemoteAddr)
	}
}

func node(ctx context.Context, url, name string) error {
	respondent := spry.NewRespondent(nil)
	defer respondent.Close()
	if _, err := respondent.Connect(url); err != nil {
		return err
	}
	return respondent.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		r.Reply(ctx, fmt.Appendf(nil, "%s: %s", name, time.Now().Format(time.ANSIC)))
	}))
}

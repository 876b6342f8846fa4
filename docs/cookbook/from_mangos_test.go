// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sprymq/spry"
)

func Example_fromMangos() {
	ctx := context.Background()
	rep := spry.NewRep(nil) // rep.NewSocket()
	defer rep.Close()
	server, err := rep.Listen(ctx, "tcp://127.0.0.1:0") // sock.Listen(url)
	check(err)
	go func() { // for { sock.Recv(); sock.Send(...) }
		for r, err := range rep.Requests(ctx) {
			check(err)
			if string(r.Bytes()) == "DATE" {
				_ = r.Reply(ctx, []byte("1 December"))
			} else {
				r.Discard()
			}
		}
	}()

	req := spry.NewReq(nil) // req.NewSocket()
	defer req.Close()
	_, err = req.Dial(ctx, server.URL()) // sock.Dial(url)
	check(err)
	ask := func(what string, d time.Duration) ([]byte, error) {
		asking, cancel := context.WithTimeout(ctx, d) // OptionSendDeadline, OptionRecvDeadline
		defer cancel()
		return req.Do(asking, []byte(what)) // sock.Send(...); sock.Recv()
	}
	date, err := ask("DATE", 30*time.Second)
	check(err)
	fmt.Printf("%s\n", date)
	_, err = ask("TIME", 10*time.Millisecond)
	fmt.Println("no reply in time:", errors.Is(err, context.DeadlineExceeded)) // err == mangos.ErrRecvTimeout
	// Output:
	// 1 December
	// no reply in time: true
}

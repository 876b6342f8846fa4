// SPDX-License-Identifier: MIT

// Command wasm plays a role with Spry compiled to WebAssembly, in Node or a browser: wasm ROLE COUNT URL. The role inproc has both ends.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

func main() {
	count, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = play(context.Background(), os.Args[1], count, os.Args[3])
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// body is the message with a number.
func body(i int) []byte { return []byte(strconv.Itoa(i) + ":" + strings.Repeat("x", i*37%2000)) }

func play(ctx context.Context, role string, count int, url string) error {
	o := spry.Options{Transports: []transport.Transport{ws.Transport{}}, Backoff: spry.Backoff{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond}}
	switch role {
	case "inproc":
		rep := spry.NewRep(nil)
		if _, err := rep.Listen(ctx, url); err != nil {
			return err
		}
		go func() {
			for r, err := range rep.Requests(ctx) {
				if err != nil || r.Reply(ctx, r.Bytes()) != nil {
					return
				}
			}
		}()
		return errors.Join(play(ctx, "req", count, url), rep.Close())
	case "req":
		req := spry.NewReq(&spry.ReqOptions{Options: o})
		if _, err := req.Connect(url); err != nil {
			return err
		}
		for i := range count {
			reply, err := req.Do(ctx, body(i))
			if err != nil {
				return err
			}
			if string(reply) != string(body(i)) {
				return fmt.Errorf("reply %d is %.40q", i, reply)
			}
		}
		fmt.Println(count, "replies")
		return req.Close()
	case "push":
		push := spry.NewPush(&spry.PushOptions{Options: o})
		if _, err := push.Connect(url); err != nil {
			return err
		}
		for i := range count {
			if err := push.Send(ctx, body(i)); err != nil {
				return err
			}
		}
		if err := push.Shutdown(ctx); err != nil { // Close waits for a second, which a busy machine may need for less
			return err
		}
		fmt.Println(count, "sent")
		return nil
	case "pull":
		pull := spry.NewPull(&spry.PullOptions{Options: o})
		if _, err := pull.Connect(url); err != nil {
			return err
		}
		for i := range count {
			m, err := pull.Recv(ctx)
			if err != nil {
				return err
			}
			if string(m) != string(body(i)) {
				return fmt.Errorf("message %d is %.40q", i, m)
			}
		}
		fmt.Println(count, "received")
		return pull.Close()
	}
	return fmt.Errorf("no role %q", role)
}

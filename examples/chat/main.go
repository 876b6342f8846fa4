// SPDX-License-Identifier: MIT

// Command chat is a chat room. One of the people in it hosts it; the others may come late and leave. Each line of standard input
// is said to all others, and Ctrl-D leaves the room.
//
//	chat -host -name ada
//	chat -name bob
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/sprymq/spry"
)

func main() {
	url := flag.String("url", "tcp://127.0.0.1:5560", "`address` of the room")
	host := flag.Bool("host", false, "host the room")
	name := flag.String("name", "guest", "your `name`")
	flag.Parse()
	ctx, leave := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if *host {
		room := spry.NewPairPoly(&spry.PairOptions{Options: spry.Options{MaxMessageSize: 4096}})
		defer room.Close()
		at, err := room.Listen(ctx, *url)
		if err != nil {
			log.Fatal(err)
		}
		go serve(ctx, room)
		*url = at.URL() // the host is a member as all others are
	}
	join(ctx, leave, *url, *name)
}

// serve passes each line on to all others, and says which members come and go. A line is "name: text", the first one without text.
func serve(ctx context.Context, room *spry.PairPoly) {
	names := map[*spry.Pipe]string{}
	say := func(from *spry.Pipe, text string) {
		for p := range room.Pipes() {
			if p != from { // a peer that does not read loses lines, and delays no other
				room.TrySendMsgTo(p, spry.WrapMessage([]byte(text), nil))
			}
		}
	}
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		m, err := room.RecvMsg(wait)
		cancel()
		if err != nil { // a quiet moment: the last lines of members that left were received
			for p, name := range names {
				if p.Err() != nil {
					delete(names, p)
					say(p, name+" left")
				}
			}
			continue
		}
		name, text, _ := strings.Cut(string(m.Bytes()), ": ")
		if names[m.Pipe()] == "" {
			room.SendTo(ctx, m.Pipe(), fmt.Append(nil, "here: ", slices.Sorted(maps.Values(names))))
			say(m.Pipe(), name+" came")
			names[m.Pipe()] = name // from now on, whatever its lines say
		}
		if text != "" {
			say(m.Pipe(), names[m.Pipe()]+": "+text)
		}
	}
}

// join says the lines of standard input, and prints those of others, until ctx or the input ends.
func join(ctx context.Context, leave func(), url, name string) {
	member := spry.NewPair(nil)
	defer member.Close() // sends what was said
	if _, err := member.Dial(ctx, url); err != nil {
		log.Fatal(err)
	}
	member.Send(ctx, []byte(name+": "))
	go func() {
		defer leave()
		for input := bufio.NewScanner(os.Stdin); input.Scan(); {
			member.Send(ctx, []byte(name+": "+input.Text()))
		}
	}()
	for m := range member.Chan(ctx) {
		fmt.Println(strings.Join(strings.FieldsFunc(string(m.Bytes()), unicode.IsControl), " "))
	}
}

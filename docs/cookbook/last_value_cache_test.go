// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sprymq/spry/zmq"
)

func Example_lastValueCache() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pub := zmq.NewXPub(&zmq.XPubOptions{LastValues: 1000, LastValueBytes: 1 << 20})
	defer pub.Close()
	e, err := pub.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	for _, price := range []string{"17", "18", "19"} { // nobody has subscribed
		check(pub.Send(ctx, []byte("oak"), []byte(price)))
	}
	check(pub.Send(ctx, []byte("elm"), []byte("7")))

	late := zmq.NewSub(nil)
	defer late.Close()
	check(late.Subscribe("oak"))
	_, err = late.Dial(ctx, e.URL())
	check(err)
	price, err := late.Recv(ctx)
	check(err)
	fmt.Printf("%s costs %s\n", price[0], price[1])
	// Output: oak costs 19
}

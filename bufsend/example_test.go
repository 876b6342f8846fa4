// SPDX-License-Identifier: MIT

package bufsend_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bufsend"
)

// One goroutine sends small messages one by one; they are queued many at a time.
func Example() {
	ctx := context.Background()
	push, pull := spry.NewPush(nil), spry.NewPull(nil)
	defer pull.Close()
	defer push.Close()
	if _, err := pull.Listen(ctx, "inproc://readings"); err != nil {
		log.Fatal(err)
	}
	if _, err := push.Dial(ctx, "inproc://readings"); err != nil {
		log.Fatal(err)
	}

	to := bufsend.New(push)
	var line []byte
	for i := range 3 {
		line = fmt.Appendf(line[:0], "reading %d", i)
		if err := to.Send(ctx, line); err != nil {
			log.Fatal(err)
		}
	}
	if err := to.Close(); err != nil { // before the socket
		log.Fatal(err)
	}

	n := 0
	for body, err := range pull.Bodies(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", body)
		if n++; n == 3 {
			break
		}
	}
	// Output:
	// reading 0
	// reading 1
	// reading 2
}

// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sprymq/spry/zmq"
)

func Example_multipart() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	router := zmq.NewRouter(nil)
	defer router.Close()
	e, err := router.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	dealer := zmq.NewDealer(&zmq.DealerOptions{Options: zmq.Options{Identity: "camera 7"}})
	defer dealer.Close()
	_, err = dealer.Dial(ctx, e.URL())
	check(err)

	check(dealer.Send(ctx, []byte("picture"), []byte("image/png"), []byte("(the bytes)"))) // one message of three frames
	from, frames, err := router.RecvFrom(ctx)
	check(err)
	fmt.Printf("%s sends %d frames: %s, %s\n", from, len(frames), frames[0], frames[1])
	check(router.SendTo(ctx, from, []byte("stored"), []byte("no. 1")))

	m, err := dealer.RecvMsg(ctx) // without a slice for each message
	check(err)
	for i, frame := range m.Frames() {
		fmt.Printf("frame %d: %s\n", i, frame)
	}
	// Output:
	// camera 7 sends 3 frames: picture, image/png
	// frame 0: stored
	// frame 1: no. 1
}

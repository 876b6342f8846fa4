// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

func Example_onePort() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pull := spry.NewPull(nil)
	defer pull.Close()
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0") // both protocols, told apart by a peer's first bytes
	check(err)

	sp := spry.NewPush(nil) // as NNG, nanomsg and mangos
	defer sp.Close()
	_, err = sp.Dial(ctx, e.URL())
	check(err)
	zeromq := zmq.NewPush(nil) // as libzmq
	defer zeromq.Close()
	_, err = zeromq.Dial(ctx, "zmtp+"+e.URL())
	check(err)
	check(sp.Send(ctx, []byte("a job of an SP program")))
	check(zeromq.Send(ctx, []byte("a job of a ZeroMQ program")))

	var jobs []string
	for range 2 {
		m, err := pull.RecvMsg(ctx)
		check(err)
		jobs = append(jobs, fmt.Sprintf("%s, by %s", m.Bytes(), m.Pipe().Dialect()))
	}
	slices.Sort(jobs)
	for _, job := range jobs {
		fmt.Println(job)
	}
	// Output:
	// a job of a ZeroMQ program, by zmtp
	// a job of an SP program, by sp
}

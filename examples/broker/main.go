// SPDX-License-Identifier: MIT

// Command broker is the load-balancing broker of the ZeroMQ guide: clients and workers connect to it, and each request goes to the
// worker that has been idle the longest. Any ZeroMQ program with a REQ socket can be a client or a worker.
//
//	broker -clients 10 -requests 3 -workers 3
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"sync"

	"github.com/sprymq/spry/zmq"
)

const front, back = "inproc://front", "inproc://back"

func main() {
	clients := flag.Int("clients", 10, "`number` of clients")
	requests := flag.Int("requests", 1, "`number` of requests of each")
	workers := flag.Int("workers", 3, "`number` of workers")
	flag.Parse()
	ctx, stop := context.WithCancel(context.Background())
	var running, asking sync.WaitGroup
	running.Go(func() { broker(ctx) })
	for i := range *workers {
		running.Go(func() { worker(ctx, fmt.Sprint("worker ", i)) })
	}
	for i := range *clients {
		asking.Go(func() { client(ctx, fmt.Sprint("client ", i), *requests) })
	}
	asking.Wait()
	stop()
	running.Wait()
}

func broker(ctx context.Context) {
	frontend, backend := zmq.NewRouter(nil), zmq.NewRouter(nil)
	defer frontend.Close()
	defer backend.Close()
	frontend.Listen(ctx, front)
	backend.Listen(ctx, back)
	idle := make(chan string, 1000) // identities of workers
	var passing sync.WaitGroup
	defer passing.Wait()
	passing.Go(func() { // from workers: their identity, nothing, then READY or client, nothing, reply
		for m, err := backend.Recv(ctx); err == nil; m, err = backend.Recv(ctx) {
			if len(m) > 3 {
				frontend.Send(ctx, m[2:]...)
			}
			idle <- string(m[0])
		}
	})
	for m, err := frontend.Recv(ctx); err == nil; m, err = frontend.Recv(ctx) { // client, nothing, request
		backend.SendTo(ctx, <-idle, append([][]byte{nil}, m...)...)
	}
}

func worker(ctx context.Context, name string) {
	req := zmq.NewReq(nil)
	defer req.Close()
	req.Connect(back)
	for m, err := req.Do(ctx, []byte("READY")); err == nil; {
		m, err = req.Do(ctx, m[0], nil, fmt.Appendf(nil, "%s by %s", m[2], name))
	}
}

func client(ctx context.Context, name string, requests int) {
	req := zmq.NewReq(nil)
	defer req.Close()
	req.Connect(front)
	for i := range requests {
		reply, err := req.Do(ctx, fmt.Appendf(nil, "%s request %d", name, i))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", reply[0])
	}
}

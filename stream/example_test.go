// SPDX-License-Identifier: MIT

package stream_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/stream"
	"github.com/sprymq/spry/transport"
)

// Two protocols follow each other on one connection. Detach ends the first and returns the stream whole.
func Example() {
	ctx := context.Background()
	a, b := stream.Pipe()
	ended := make(chan error)
	go func() { // the server: lines first, then messages with a size before them
		lines, err := stream.Lines(b, 100)
		if err != nil {
			log.Fatal(err)
		}
		name, err := lines.Receive(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if b, err = lines.Detach(ctx); err != nil {
			log.Fatal(err)
		}
		messages, err := stream.Prefix(b, 4, 1<<20)
		if err != nil {
			log.Fatal(err)
		}
		ended <- messages.Send(ctx, []byte("hello "+string(name)))
	}()

	lines, err := stream.Lines(a, 100)
	if err != nil {
		log.Fatal(err)
	}
	if err := lines.Send(ctx, []byte("Ada")); err != nil {
		log.Fatal(err)
	}
	if a, err = lines.Detach(ctx); err != nil {
		log.Fatal(err)
	}
	messages, err := stream.Prefix(a, 4, 1<<20)
	if err != nil {
		log.Fatal(err)
	}
	m, err := messages.Receive(ctx)
	fmt.Printf("%s, %v, %v\n", m, err, <-ended)
	// Output: hello Ada, <nil>, <nil>
}

// A stack of messages is one URL at each end. Here each end has its own rate.
func ExampleListenMessages() {
	ctx := context.Background()
	l, err := stream.ListenMessages(ctx, "throttle+ws+tcp://127.0.0.1:0?ws-path=/feed&message-throttle=1000/s", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	done := make(chan error)
	go func() {
		m, err := stream.DialMessages(ctx, "throttle+"+l.URL()+"&message-throttle=100/s", nil)
		if err != nil {
			log.Fatal(err)
		}
		done <- m.Send(ctx, []byte("hello"))
	}()
	m, err := l.Accept(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	got, err := m.Receive(ctx)
	fmt.Printf("%s, %v, %v\n", got, err, <-done)
	// Output: hello, <nil>, <nil>
}

func ExampleDial() {
	ctx := context.Background()
	l, err := stream.Listen(ctx, "tcp://127.0.0.1:0", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		s, err := l.Accept(ctx)
		if err != nil {
			return
		}
		defer s.Close()
		_ = s.Write(ctx, []byte("one\r\ntwo\r\n\r\n"))
	}()

	s, err := stream.Dial(ctx, "throttle+"+l.URL()+"?throttle=1MB/s", nil)
	if err != nil {
		log.Fatal(err)
	}
	lines, err := stream.Lines(s, 100)
	if err != nil {
		log.Fatal(err)
	}
	defer lines.Close()
	for range 3 {
		line, err := lines.Receive(ctx)
		fmt.Printf("%q %v\n", line, err)
	}
	// Output:
	// "one" <nil>
	// "two" <nil>
	// "" EOF
}

// Sockets use the same URLs.
func ExampleTransport() {
	ctx := context.Background()
	traced := make(chan string, 100)
	layers := stream.Transport{Trace: func(_ net.Addr, op stream.Op, moved []byte, _ error) {
		if op == stream.OpWrite {
			traced <- fmt.Sprintf("% x", moved)
		}
	}}
	o := spry.Options{Transports: []transport.Transport{layers}}
	pull := spry.NewPull(&spry.PullOptions{Options: o})
	defer pull.Close()
	push := spry.NewPush(&spry.PushOptions{Options: o})
	defer push.Close()

	at, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := push.Dial(ctx, "trace+"+at.URL()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-traced) // the header of the Scalability Protocols
	// Output: 00 53 50 00 00 50 00 00
}

// Many streams of messages share one stream of bytes.
func ExampleMux() {
	ctx := context.Background()
	a, b := stream.Pipe()
	client, err := stream.NewMux(a, true, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	server, err := stream.NewMux(b, false, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	for _, name := range []string{"orders", "prices"} {
		s, err := client.Open(ctx)
		if err != nil {
			log.Fatal(err)
		}
		if err := s.Send(ctx, []byte(name)); err != nil {
			log.Fatal(err)
		}
	}
	for range 2 {
		s, err := server.Accept(ctx)
		if err != nil {
			log.Fatal(err)
		}
		m, err := s.Receive(ctx)
		fmt.Printf("%s %v\n", m, err)
	}
	// Output:
	// orders <nil>
	// prices <nil>
}

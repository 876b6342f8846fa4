// SPDX-License-Identifier: MIT

// The program fakefeed serves the dashboard's page, and plays a system that does not exist: for work on the page, and for measuring it.
//
//	go run ./dash/fakefeed -listen 127.0.0.1:8080
//	go run ./dash/fakefeed -nodes 500 -pipes 5000
//
// The page is that of the folder, as it is: build it, and load it again.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/web"
)

// policy is what the dashboard's server sends: the page comes with everything that it needs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; img-src 'self' data:"

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "serve on this address")
	folder := flag.String("page", "../dash/page/dist", "the page's folder")
	nodes := flag.Int("nodes", 12, "how many processes; 12 are a small market with every pattern")
	pipes := flag.Int("pipes", 5000, "how many connections they have, if they are not 12")
	kill := flag.Int("kill", 0, "after this number of seconds a process ends")
	flag.Parse()
	s := market()
	if *nodes != 12 {
		s = many(*nodes, *pipes)
	}
	if err := serve(*listen, *folder, s, *kill); err != nil {
		fmt.Fprintln(os.Stderr, "fakefeed:", err)
		os.Exit(1)
	}
}

func serve(listen, folder string, s *system, kill int) error {
	pub := spry.NewPub(&spry.PubOptions{Options: spry.Options{Name: "feed"}})
	defer func() { _ = pub.Close() }()
	files := http.FileServer(http.Dir(folder))
	mux := http.NewServeMux()
	mux.Handle("/feed", web.Handler(pub, nil))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		files.ServeHTTP(w, r)
	})
	mux.HandleFunc("/tap", tap)
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/\n", ln.Addr())
	go play(pub, s, kill)
	return http.Serve(ln, mux) //nolint:gosec // for a machine of its own
}

func play(pub *spry.Pub, s *system, kill int) {
	send := func(topic string, v any) {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		_ = pub.Send(context.Background(), append([]byte(topic+"\n"), text...)) // a Pub never waits, and fails only when it is closed
	}
	for seconds := 1; ; seconds++ {
		began := time.Now()
		if kill == seconds {
			s.nodes[len(s.nodes)-1].State = "gone"
		}
		s.step(began)
		for _, n := range s.nodes {
			send("node/"+n.Instance, n)
		}
		for i, e := range s.happenings(began) {
			send(fmt.Sprintf("event/%d", (seconds*4+i)%500), e)
		}
		send("dash", heartbeat{At: time.Now(), Nodes: len(s.nodes), Started: s.started, Version: "v0.1.0", Tap: true})
		time.Sleep(time.Until(began.Add(time.Second)))
	}
}

// happenings are the events of a second.
func (s *system) happenings(now time.Time) (all []event) {
	for _, l := range s.links {
		k := &l.from.node.Sockets[l.from.socket]
		e := event{Instance: l.from.node.Instance, Time: now, Socket: k.ID, Name: k.Name, Protocol: k.Protocol, Endpoint: l.transport + "://" + l.to.node.Host}
		switch {
		case len(all) == 4:
			return all
		case l.down && s.seconds%8 == 1:
			e.Kind, e.Reason, e.Error, e.Wait = "dial_failed", "io", "connection refused", 8*time.Second
		case l.drops > 0:
			e.Kind, e.Reason, e.Count = "drop", "overflow", uint64(l.drops*l.back)
		case s.rand.IntN(300) == 0:
			e.Kind, e.Pipe, e.Remote = "pipe_up", l.from.pipe, "10.0.0.7:41234"
		default:
			continue
		}
		all = append(all, e)
	}
	return all
}

// tap plays messages of any socket.
func tap(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	bodies := [][]byte{[]byte(`{"symbol":"ACME","bid":101.25,"ask":101.5}`), []byte("AAPL 187.20"), {0, 1, 2, 0xff, 'S', 'p', 'r', 'y', 0x80}}
	for i := 0; r.Context().Err() == nil; i++ {
		body := bodies[i%len(bodies)]
		text, _ := json.Marshal(map[string]any{"time": time.Now(), "direction": []string{"send", "recv"}[i%2], "pipe": 1 + i%3, "size": len(body), "body": body, "skipped": i * 7 % 50})
		fmt.Fprintf(w, "data: %s\n\n", text)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(300 * time.Millisecond)
	}
}

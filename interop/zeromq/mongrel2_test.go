// SPDX-License-Identifier: MIT

package zeromq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
	"github.com/sprymq/spry/zmq"
)

// mongrel2Config has the web server Mongrel2 push requests to whoever pulls them, and subscribe to the responses.
const mongrel2Config = `
web = Server(uuid="spry", name="web", default_host="localhost", bind_addr="127.0.0.1", port=%s, chroot="./",
    access_log="/access.log", error_log="/error.log", pid_file="/mongrel2.pid",
    hosts=[Host(name="localhost", routes={'/': Handler(send_spec='tcp://%s', send_ident='web', recv_spec='tcp://%s', recv_ident='')})])
servers = [web]
settings = {"server.daemonize": 0, "control_port": "ipc://control"}
`

// TestMongrel2Handler answers HTTP requests behind Mongrel2 by a Pull and a Pub: each client gets the answer to its own request.
func TestMongrel2Handler(t *testing.T) {
	kit.Results.Track(t, kit.Row("Mongrel2", "PUSH, SUB – web handler by zmq PULL and PUB", "tcp", "it listens"), kit.Library)
	t.Parallel()
	const clients, requests = 8, 50
	program, loader := peer.Find(t, "mongrel2", "mongrel2-core"), peer.Find(t, "m2sh", "mongrel2-core")
	folder := t.TempDir()
	web, sends, receives := peer.TCPAddress(t), peer.TCPAddress(t), peer.TCPAddress(t)
	_, port, _ := strings.Cut(web, ":")
	config := fmt.Appendf(nil, mongrel2Config, port, sends, receives)
	testkit.Check(t, os.WriteFile(filepath.Join(folder, "mongrel2.conf"), config, 0o600))
	load := exec.Command(loader, "load", "-config", "mongrel2.conf", "-db", "config.sqlite")
	load.Dir = folder
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", load.Args, err, out)
	}
	peer.StartIn(t, folder, program, "config.sqlite", "spry")

	ctx, cancel := context.WithCancel(kit.Watched(t))
	pull, pub := zmq.NewPull(&zmq.PullOptions{Options: kit.Options}), zmq.NewPub(&zmq.PubOptions{Options: kit.Options})
	kit.Attach(t, pull, kit.Address{URL: "tcp://" + sends})
	kit.Attach(t, pub, kit.Address{URL: "tcp://" + receives})
	testkit.Check(t, pub.WaitSubscribers(ctx, "spry", 1))
	ended := make(chan error, 1)
	go func() { ended <- handleRequests(ctx, pull, pub) }()

	peer.WaitListening(t, "tcp://"+web)
	var asking sync.WaitGroup
	for c := range clients {
		asking.Go(func() {
			for i := range requests {
				sent := fmt.Sprintf("request %d of client %d", i, c)
				got, err := post(ctx, "http://"+web+"/echo", sent)
				if want := "POST /echo " + sent; err != nil || got != want {
					t.Errorf("%q was answered by %q, %v", sent, got, err)
					return
				}
			}
		})
	}
	asking.Wait()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler ended with %v", err)
	}
	if counted := pull.Stats().Recv; counted.Delivered < clients*requests || len(counted.Dropped) > 0 {
		t.Errorf("the counters say %+v", counted)
	}
}

// handleRequests answers requests until ctx ends. A request is "SENDER CONNECTION PATH SIZE:HEADERS,SIZE:BODY,", and a response
// "SENDER SIZE:CONNECTION, " and what goes to the connection.
func handleRequests(ctx context.Context, pull *zmq.Pull, pub *zmq.Pub) error {
	for {
		frames, err := pull.Recv(ctx)
		if err != nil {
			return err
		}
		parts := bytes.SplitN(frames[0], []byte(" "), 4)
		if len(parts) != 4 {
			return fmt.Errorf("a request of %d parts: %.100q", len(parts), frames[0])
		}
		headers, rest, err := netstring(parts[3])
		if err != nil {
			return err
		}
		content, _, err := netstring(rest)
		if err != nil {
			return err
		}
		if bytes.Contains(headers, []byte(`"METHOD":"JSON"`)) {
			continue // a client has disconnected
		}
		text := fmt.Sprintf("POST %s %s", parts[2], content)
		response := fmt.Sprintf("%s %d:%s, HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", parts[0], len(parts[1]), parts[1], len(text), text)
		if err := pub.Send(ctx, []byte(response)); err != nil {
			return err
		}
	}
}

// netstring cuts "SIZE:TEXT," off.
func netstring(b []byte) (text, rest []byte, err error) {
	digits, after, found := bytes.Cut(b, []byte(":"))
	size, err := strconv.Atoi(string(digits))
	if err != nil || !found || size < 0 || size+1 > len(after) {
		return nil, nil, fmt.Errorf("no netstring: %.100q", b)
	}
	return after[:size], after[size+1:], nil
}

// post sends a body by HTTP and returns the answer's.
func post(ctx context.Context, url, content string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(content))
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return string(b), err
}

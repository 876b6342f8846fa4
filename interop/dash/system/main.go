// SPDX-License-Identifier: MIT

// Command system is a live system of 19 processes for tests of the dashboard: all patterns, both dialects, and the transports tcp, ipc,
// ws, tls+tcp and inproc. Each process serves its figures, as observe.ServeLocal does. With the argument -dash ADDRESS, the parent also
// serves the dashboard there.
//
// It prints lines of JSON: first
//
//	{"dash":"http://127.0.0.1:8080/","processes":{"feed":{"pid":123,"instance":"…","url":"unix:///…"},…}}
//
// and then an answer to each line that it reads:
//
//	rest        the processes stop sending, and their messages arrive: {"rest":{"feed":{"sent":12,"received":0},…}}, by their own count
//	go          they send again: {"go":true}
//	kill NAME   a process is killed: {"kill":"NAME"}
//	quit        all end
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sprymq/spry/dash"
)

// roles are the processes, in the order in which they begin: those that others dial come first.
var roles = []struct {
	name string
	run  func(ctx context.Context, p *process)
}{
	{"feed", feed},
	{"reader", reader},
	{"slow", slowReader},
	{"webreader", webReader},
	{"jobs", jobs},
	{"worker1", worker},
	{"worker2", worker},
	{"rpc", rpc},
	{"client", client},
	{"crew", respondent},
	{"chief", surveyor},
	{"bus1", bus},
	{"bus2", bus},
	{"router", router},
	{"dealer", dealer},
	{"exchange", exchange},
	{"quotes", quotes},
	{"ticker", ticker},
	{"pairs", pairs},
}

func main() {
	log.SetFlags(0)
	if name := os.Getenv(roleKey); name != "" {
		play(name)
		return
	}
	address := flag.String("dash", "", "address of the dashboard")
	flag.Parse()
	if err := direct(*address); err != nil {
		log.Fatal(err)
	}
}

const roleKey, urlsKey = "SYSTEM_ROLE", "SYSTEM_URLS"

// A child is a process of the system, seen from its parent.
type child struct {
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Reader

	PID      int    `json:"pid"`
	Instance string `json:"instance"`
	URL      string `json:"url"`
}

// direct starts the processes and does what is asked.
func direct(address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Setenv("XDG_RUNTIME_DIR", dir); err != nil {
		return err
	}
	if err := writeCertificate(dir); err != nil {
		return err
	}
	children, urls := make(map[string]*child), map[string]string{"dir": dir}
	defer func() {
		for _, c := range children {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait()
		}
	}()
	for _, r := range roles {
		c, err := start(dir, r.name, urls)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		children[r.name] = c
	}
	out := json.NewEncoder(os.Stdout)
	first := map[string]any{"processes": children}
	if address != "" {
		url, err := serveDash(ctx, address)
		if err != nil {
			return err
		}
		first["dash"] = url
	}
	if err := out.Encode(first); err != nil {
		return err
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok || line == "quit" {
				return nil
			}
			answer, err := obey(line, children)
			if err == nil {
				err = out.Encode(answer)
			}
			if err != nil {
				return err
			}
		}
	}
}

// quiet is longer than what a process does between two messages.
const quiet = 300 * time.Millisecond

func obey(line string, children map[string]*child) (any, error) {
	verb, name, _ := strings.Cut(line, " ")
	switch verb {
	case "kill":
		c := children[name]
		if c == nil {
			return nil, fmt.Errorf("no process %q", name)
		}
		delete(children, name)
		err := c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		return map[string]string{"kill": name}, err
	case "go":
		_, err := all(children, "go")
		return map[string]bool{"go": true}, err
	case "rest":
		if _, err := all(children, "stop"); err != nil {
			return nil, err
		}
		for before := ""; ; { // until nothing moves any more
			counts, err := all(children, "count")
			if err != nil {
				return nil, err
			}
			now, err := json.Marshal(counts)
			if err != nil {
				return nil, err
			}
			if string(now) == before {
				return map[string]any{"rest": counts}, nil
			}
			before = string(now)
			time.Sleep(quiet)
		}
	}
	return nil, fmt.Errorf("unknown: %q", line)
}

// all asks all processes.
func all(children map[string]*child, what string) (map[string]json.RawMessage, error) {
	answers := make(map[string]json.RawMessage)
	for name, c := range children {
		if _, err := fmt.Fprintln(c.in, what); err != nil {
			return nil, err
		}
		line, err := c.out.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		answers[name] = json.RawMessage(line)
	}
	return answers, nil
}

// start starts a process, and waits until it has begun.
func start(dir, name string, urls map[string]string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	named := filepath.Join(dir, name) // the name of the process
	if err := os.Symlink(self, named); err != nil {
		return nil, err
	}
	known, err := json.Marshal(urls)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(named)
	cmd.Env = append(os.Environ(), roleKey+"="+name, urlsKey+"="+string(known))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, in: in, out: bufio.NewReader(out), PID: cmd.Process.Pid}
	line, err := c.out.ReadString('\n')
	var begun beginning
	if err == nil {
		err = json.Unmarshal([]byte(line), &begun)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	c.Instance, c.URL = begun.Instance, begun.URL
	maps.Copy(urls, begun.URLs)
	return c, nil
}

func serveDash(ctx context.Context, address string) (string, error) {
	d, err := dash.New(&dash.Options{Local: true})
	if err != nil {
		return "", err
	}
	l, err := listen(ctx, address)
	if err != nil {
		return "", err
	}
	go func() {
		if err := d.Serve(ctx, l, nil); err != nil {
			log.Print(err)
		}
		_ = d.Close()
	}()
	return "http://" + l.Addr().String() + "/", nil
}

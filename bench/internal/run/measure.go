// SPDX-License-Identifier: MIT

package run

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sprymq/spry/bench/internal/report"
	"github.com/sprymq/spry/bench/internal/worker"
)

// sample is the result of one contender in one round of a case.
type sample map[string]float64

// floodWarm is how many requests beside a flood are not timed. Each may take as long as its queue.
const floodWarm = 10

// A bench takes samples.
type bench struct {
	config  config
	workers *workers
	dir     string // for ipc
	urls    int
}

// command is the command line of a worker at its place.
func (b *bench) command(c report.Case, who contender, role string, settings ...string) []string {
	var line []string
	if c.Place == "1cpu" {
		line = []string{"taskset", "-c", "0"}
	}
	mode := who.Mode
	if k, _ := kindOf(who.Peer); mode == "plain" && k.mode != "" {
		mode = k.mode
	}
	line = append(line, b.workers.commands[who.Peer]...)
	line = append(line, role, "mode="+mode, "size="+strconv.Itoa(max(c.Size, 2)))
	return append(line, settings...)
}

// url returns an unused address.
func (b *bench) url(transport string) (string, error) {
	b.urls++
	if transport == "ipc" {
		return fmt.Sprintf("ipc://%s/%d", b.dir, b.urls), nil
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return "tcp://" + l.Addr().String(), nil
}

// measure takes one sample.
func (b *bench) measure(ctx context.Context, c report.Case, who contender) (sample, error) {
	limit := time.Duration(b.config.secs*10*float64(time.Second)) + 30*time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	url, err := b.url(c.Transport)
	if err != nil {
		return nil, err
	}
	at, secs := "url="+url, fmt.Sprintf("secs=%g", b.config.secs)
	n, warm := fmt.Sprintf("n=%d", b.config.trips), fmt.Sprintf("warm=%d", b.config.trips/10)
	worker := func(role string, settings ...string) []string { return b.command(c, who, role, settings...) }
	param := strconv.Itoa(c.Param)
	switch c.Work {
	case "thr", "curve":
		received, sent, err := both(ctx, worker("thr-recv", at), worker("thr-send", at, secs), true)
		return flowSample(received, sent), err
	case "pipes":
		received, sent, err := both(ctx, worker("thr-recv", at, "pipes="+param),
			worker("pipes-send", at, secs, "pipes="+param), true)
		return flowSample(received, sent), err
	case "lat":
		_, client, err := both(ctx, worker("lat-rep", at), worker("lat-req", at, n, warm), false)
		return tripSample(client), err
	case "inproc-thr":
		o, err := alone(ctx, worker("inproc-thr", secs))
		return flowSample(o, outcome{}), err
	case "inproc-lat":
		o, err := alone(ctx, worker("inproc-lat", n, warm))
		return tripSample(o), err
	case "fan":
		sent, got, err := both(ctx, worker("fan-pub", at, secs, "subs="+param), worker("fan-sub", at, "subs="+param), true)
		s := flowSample(got, sent)
		s["lost"] = max(0, 1-float64(got.Messages)/float64(max(sent.Messages*int64(c.Param), 1)))
		return s, err
	case "callers-mux", "callers-conns":
		shape := "shape=" + c.Work[len("callers-"):]
		server, client, err := both(ctx, worker("callers-rep", at, shape),
			worker("callers-req", at, secs, shape, "callers="+param), false)
		s := flowSample(client, server)
		return s, err
	case "idle":
		return measureIdle(ctx, worker("idle", at), url, who.Peer, c.Param)
	case "flood":
		return b.measureFlood(ctx, c, who, url)
	case "subs":
		o, err := alone(ctx, worker("subs", secs, "subs="+param))
		s := flowSample(o, outcome{})
		s["bytes"] = o.PerItem
		return s, err
	default:
		return nil, fmt.Errorf("no work %s", c.Work)
	}
}

// alone runs a worker that needs no other.
func alone(ctx context.Context, command []string) (outcome, error) {
	p, err := start(ctx, command)
	if err != nil {
		return outcome{}, err
	}
	return p.finish()
}

// flowSample is the sample of a received flow, with the cost of both sides.
func flowSample(received, other outcome) sample {
	if received.Messages == 0 || received.Seconds == 0 {
		return sample{}
	}
	messages := float64(received.Messages)
	s := sample{
		"rate": messages / received.Seconds,
		"mbps": float64(received.Bytes) / received.Seconds / 1e6,
		"cpu":  (received.CPU + other.CPU) / messages * 1e6,
	}
	if received.Allocs != nil {
		s["allocs"] = *received.Allocs
		if other.Allocs != nil {
			s["allocs"] += *other.Allocs
		}
	}
	return s
}

func tripSample(o outcome) sample {
	s := sample{"p50": o.P50, "p99": o.P99, "p999": o.P999}
	if o.Allocs != nil {
		s["allocs"] = *o.Allocs
	}
	return s
}

// measureFlood times requests while another client floods the same process.
func (b *bench) measureFlood(ctx context.Context, c report.Case, who contender, url string) (sample, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	other, err := b.url(c.Transport)
	if err != nil {
		return nil, err
	}
	server, err := start(ctx, b.command(c, who, "flood", "url="+url, "other="+other))
	if err != nil {
		return nil, err
	}
	if err := server.ready(); err != nil {
		return nil, err
	}
	sender, err := start(ctx, b.command(c, who, "thr-send", "url="+url, "secs=60")) // killed long before
	if err != nil {
		return nil, err
	}
	if err := server.says("flowing"); err != nil {
		return nil, err
	}
	// Many trips, since on one CPU few would fit between two turns of the flow; by time, since some wait for it long.
	client, err := alone(ctx, b.command(c, who, "lat-req", "url="+other, fmt.Sprintf("n=%d", b.config.trips*5),
		fmt.Sprintf("most=%g", b.config.secs*5), fmt.Sprintf("warm=%d", floodWarm)))
	cancel()
	_, _ = sender.finish() // killed
	_, _ = server.finish()
	return tripSample(client), err
}

// tempDir makes a folder whose paths are short enough for sockets.
func tempDir() (string, error) { return os.MkdirTemp("", "bench") }

// removeAll removes it.
func removeAll(dir string) { _ = os.RemoveAll(filepath.Clean(dir)) }

var errNotApplicable = worker.ErrNotApplicable

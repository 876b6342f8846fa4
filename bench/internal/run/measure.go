// SPDX-License-Identifier: MIT

package run

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry/bench/internal/report"
	"github.com/sprymq/spry/bench/internal/worker"
)

// sample is the result of one contender in one round of a case.
type sample map[string]float64

// A bench takes samples.
type bench struct {
	config   config
	workers  *workers
	origin   report.Origin
	deadline time.Time // zero for none
	dir      string    // for ipc
	urls     int
	counting bool // system calls, instead of measuring
}

// command is the command line of a worker at its place.
func (b *bench) command(c report.Case, who contender, role string, settings ...string) command {
	mode, processors := who.modeAndProcessors()
	if k, _ := kindOf(who.Peer); mode == "plain" && k.mode != "" {
		mode = k.mode
	}
	var all command
	line, warm := placed(c.Place), b.config.warmFor(c.Work)
	if b.counting {
		b.urls++
		all.calls = filepath.Join(b.dir, fmt.Sprintf("calls%d", b.urls))
		line, warm = append(line, perf(all.calls)...), 0
	}
	line = append(line, b.workers.commands[who.Peer]...)
	line = append(line, role, "mode="+mode, "size="+strconv.Itoa(max(c.Size, 2)), fmt.Sprintf("warm=%g", warm))
	all.line = append(line, settings...)
	if processors > 0 {
		all.env = []string{fmt.Sprintf("GOMAXPROCS=%d", processors)}
	}
	return all
}

// placed begins the command line of a process at a place.
func placed(place string) []string {
	if place == placeOne {
		return []string{"taskset", "-c", "0"}
	}
	return nil
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
	url := transport + "://" + l.Addr().String()
	if strings.HasPrefix(transport, "ws") {
		url += "/"
	}
	return url, nil
}

// measure takes one sample.
func (b *bench) measure(ctx context.Context, c report.Case, who contender) (sample, error) {
	limit := time.Duration((b.config.warmFor(c.Work)+b.config.secs)*10*float64(time.Second)) + 30*time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	transport := c.Transport
	if who.Mode == overTCP {
		transport, who.Mode = "tcp", "plain"
	}
	url, err := b.url(transport)
	if err != nil {
		return nil, err
	}
	at, secs := "url="+url, fmt.Sprintf("secs=%g", b.config.secs)
	worker := func(role string, settings ...string) command { return b.command(c, who, role, settings...) }
	param := strconv.Itoa(c.Param)
	switch c.Work {
	case "thr", "curve", layers:
		received, sent, err := both(ctx, worker("thr-recv", at), worker("thr-send", at, secs), true)
		return flowSample(received, sent).withCaller(sent, received), err
	case "down":
		sent, received, err := both(ctx, worker("down-send", at, secs), worker("down-recv", at), true)
		return flowSample(received, sent).withCaller(sent, received), err
	case "pipes":
		received, sent, err := both(ctx, worker("thr-recv", at, "pipes="+param),
			worker("pipes-send", at, secs, "pipes="+param), true)
		return flowSample(received, sent).withCaller(sent, received), err
	case "lat":
		if who.Peer == ddsperf {
			return b.measureDDS(ctx, c)
		}
		server, client, err := both(ctx, worker("lat-rep", at), worker("lat-req", at, secs), false)
		return tripSample(client, server).withCaller(client, client), err
	case "inproc-thr":
		r, err := alone(ctx, worker("inproc-thr", secs))
		return flowSample(r), err
	case "inproc-lat":
		r, err := alone(ctx, worker("inproc-lat", secs))
		return tripSample(r), err
	case "fan":
		sent, got, err := both(ctx, worker("fan-pub", at, secs, "subs="+param), worker("fan-sub", at, "subs="+param), true)
		s := flowSample(got, sent).withCaller(sent, got)
		s["lost"] = max(0, 1-float64(got.Total)/float64(max(sent.Total*int64(c.Param), 1)))
		return s, err
	case "callers-mux", "callers-conns", gatewayWork:
		shape := "shape=" + strings.TrimPrefix(c.Work, "callers-")
		server, client, err := both(ctx, worker("callers-rep", at, shape),
			worker("callers-req", at, secs, shape, "callers="+param), false)
		return callersSample(client, server), err
	case "idle":
		return b.measureIdle(ctx, c, who, at)
	case "flood":
		return b.measureFlood(ctx, c, who, url)
	case "subs":
		r, err := alone(ctx, worker("subs", secs, "subs="+param))
		s := flowSample(r)
		s["bytes"] = r.PerItem
		return s, err
	case "scale-topics", "scale-lengths", "scale-nested":
		r, err := alone(ctx, worker("unwanted", secs, "subs="+param, "shape="+c.Work[len("scale-"):]))
		return eachSample(r), err
	case "scale-spread":
		r, err := alone(ctx, worker("spread", secs, "pipes="+param))
		return eachSample(r), err
	case "scale-pipes":
		r, err := alone(ctx, worker("many-pipes", "pipes="+param))
		return sample{"open": r.Opened * 1e6 / float64(c.Param), "close": r.Closed * 1e6 / float64(c.Param)}, err
	default:
		return nil, fmt.Errorf("no work %s", c.Work)
	}
}

// alone runs a worker that needs no other.
func alone(ctx context.Context, c command) (worker.Result, error) {
	p, err := start(ctx, c)
	if err != nil {
		return worker.Result{}, err
	}
	return p.finish()
}

// flowSample is the sample of a received flow, with the cost of all sides.
func flowSample(received worker.Result, others ...worker.Result) sample {
	if received.Messages == 0 || received.Seconds == 0 {
		return sample{}
	}
	s := costSample(received, others...)
	s["rate"] = float64(received.Messages) / received.Seconds
	s["mbps"] = float64(received.Bytes) / received.Seconds / 1e6
	return s
}

// eachSample is the time of a message, from a sender.
func eachSample(sent worker.Result) sample {
	if sent.Messages == 0 {
		return sample{}
	}
	s := costSample(sent)
	s["ns"] = sent.Seconds * 1e9 / float64(sent.Messages)
	return s
}

// costSample has what all sides used for a message.
func costSample(counted worker.Result, others ...worker.Result) sample {
	s, perMillion := sample{}, 1e6/float64(max(counted.Messages, 1))
	for _, r := range append(others, counted) {
		if r.Calls > 0 {
			s[callsKey] += float64(r.Calls) * perMillion / 1e6
		}
		s["cpu"] += r.CPU * perMillion
		s["switches"] += float64(r.Voluntary) * perMillion
		s["preempted"] += float64(r.Involuntary) * perMillion
		if r.Allocs != nil {
			s["wakes"] += float64(r.Wakes) * perMillion
			s["allocs"] += float64(*r.Allocs) * perMillion / 1e6
		}
	}
	return s
}

// withCaller adds what the caller used for a message: the side that sends or asks, of those that were counted.
func (s sample) withCaller(caller, counted worker.Result) sample {
	if _, has := s["cpu"]; has {
		s["caller"] = caller.CPU * 1e6 / float64(max(counted.Messages, 1))
	}
	return s
}

func tripSample(client worker.Result, servers ...worker.Result) sample {
	s := costSample(client, servers...)
	s["p50"], s["p99"], s["p999"] = client.P50, client.P99, client.P999
	return s
}

// callersSample has the rate of all callers and the latency of each call.
func callersSample(client, server worker.Result) sample {
	s := flowSample(client, server).withCaller(client, client)
	s["p50"], s["p99"], s["p999"] = client.P50, client.P99, client.P999
	return s
}

// measureFlood times requests while another client floods the same process. They begin after the flood, and count after their
// own warm-up. The flood itself is not measured: it is stopped long before it ends.
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
	sender, err := start(ctx, b.command(c, who, "thr-send", "url="+url, "secs=600"))
	if err != nil {
		return nil, err
	}
	if err := server.says("flowing"); err != nil {
		return nil, err
	}
	// On one CPU few trips fit between two turns of the flow, so that it takes long to have many.
	client, err := alone(ctx, b.command(c, who, "lat-req", "url="+other, fmt.Sprintf("secs=%g", b.config.secs*floodTimes)))
	cancel()
	_, _ = sender.finish() // killed
	_, _ = server.finish()
	s := tripSample(client)
	for _, key := range []string{"cpu", "switches", "preempted", "wakes"} {
		delete(s, key) // they would be those of the client alone
	}
	return s, err
}

// floodTimes is how much longer requests beside a flood are measured than other works.
const floodTimes = 3

// tempDir makes a folder whose paths are short enough for sockets.
func tempDir() (string, error) { return os.MkdirTemp("", "bench") }

// removeAll removes it.
func removeAll(dir string) { _ = os.RemoveAll(filepath.Clean(dir)) }

var errNotApplicable = worker.ErrNotApplicable

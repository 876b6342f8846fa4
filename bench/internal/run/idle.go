// SPDX-License-Identifier: MIT

package run

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sprymq/spry/bench/internal/report"
	"github.com/sprymq/spry/bench/internal/worker"
)

// greetings are the handshakes of a raw client, as a PUSH, per peer; peers without one have none.
var greetings = map[string]string{
	"spry": "sp", "libnng": "sp", "nanomsg": "sp", "mangos": "sp", "goraw": "raw",
	"libzmq": "zmtp", "gozmq": "zmtp", "pebbe": "zmtp", "nats": "nats",
}

// measureIdle has a process of its own open the connections, at the same place.
func (b *bench) measureIdle(ctx context.Context, c report.Case, who contender, at string) (sample, error) {
	server, err := start(ctx, b.command(c, who, "idle", at))
	if err != nil {
		return nil, err
	}
	if err := server.ready(); err != nil {
		return nil, err
	}
	before, err := count(server)
	if err != nil {
		return nil, err
	}
	line := append(placed(c.Place), b.workers.self, "worker", "goraw", "idle-dial", at, fmt.Sprintf("pipes=%d", c.Param))
	if greeting, has := greetings[who.Peer]; has {
		line = append(line, "mode="+greeting)
	}
	dialer, err := start(ctx, command{line: line})
	if err != nil {
		return nil, err
	}
	if err := dialer.ready(); err != nil {
		return nil, err
	}
	after, err := count(server)
	if err != nil {
		return nil, err
	}
	opened, err := dialer.stop()
	if err != nil {
		return nil, err
	}
	s := sample{
		"kib":     float64(after.RSSKiB-before.RSSKiB) / float64(c.Param),
		"accept":  opened.Seconds,
		"threads": float64(after.Threads),
	}
	if after.Goroutines > 0 {
		s["goroutines"] = float64(after.Goroutines-before.Goroutines) / float64(c.Param)
	}
	r, err := server.stop()
	if r.Calls > 0 {
		s[callsKey] = float64(r.Calls) / float64(c.Param)
	}
	return s, err
}

func count(server *process) (h worker.Held, err error) {
	line, err := server.ask("count")
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal([]byte(line), &h)
}

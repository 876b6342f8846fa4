// SPDX-License-Identifier: MIT

package main

import "time"

// What the dashboard's server publishes, as the page reads it.

type process struct {
	Instance string   `json:"instance"`
	Name     string   `json:"name,omitempty"`
	Host     string   `json:"host,omitempty"`
	PID      int      `json:"pid,omitempty"`
	URL      string   `json:"url,omitempty"`
	State    string   `json:"state"`
	Error    string   `json:"error,omitempty"`
	Process  *figures `json:"process,omitempty"`
	Sockets  []socket `json:"sockets,omitempty"`
}

type figures struct {
	Goroutines int       `json:"goroutines"`
	Heap       uint64    `json:"heap_bytes"`
	MaxProcs   int       `json:"max_procs"`
	Go         string    `json:"go"`
	Spry       string    `json:"spry"`
	Started    time.Time `json:"started"`
}

type socket struct {
	ID        uint64                       `json:"id"`
	Protocol  string                       `json:"protocol"`
	Name      string                       `json:"name"`
	Totals    totals                       `json:"totals"`
	Rates     rates                        `json:"rates"`
	Queued    queued                       `json:"queued"`
	Blocked   float64                      `json:"blocked"`
	Dropped   map[string]map[string]uint64 `json:"dropped"`
	Rejected  map[string]uint64            `json:"rejected"`
	Pending   int                          `json:"pending"`
	Endpoints []endpoint                   `json:"endpoints"`
	Pipes     []pipe                       `json:"pipes"`
}

type totals struct {
	Sent      uint64 `json:"sent"`
	Delivered uint64 `json:"delivered"`
	SendBytes uint64 `json:"send_bytes"`
	RecvBytes uint64 `json:"recv_bytes"`
	Offered   uint64 `json:"offered"`
	Arrived   uint64 `json:"arrived"`
}

type rates struct {
	Sent      float64 `json:"sent"`
	Delivered float64 `json:"delivered"`
	SendBytes float64 `json:"send_bytes"`
	RecvBytes float64 `json:"recv_bytes"`
	Dropped   float64 `json:"dropped"`
}

type queued struct {
	Send      uint64        `json:"send"`
	SendBytes int64         `json:"send_bytes"`
	Recv      uint64        `json:"recv"`
	RecvBytes int64         `json:"recv_bytes"`
	Oldest    time.Duration `json:"oldest_ns"`
}

type endpoint struct {
	URL         string            `json:"url"`
	Listening   bool              `json:"listening"`
	State       string            `json:"state"`
	Pipes       int               `json:"pipes"`
	NextAttempt *time.Time        `json:"next_attempt,omitempty"`
	LastError   string            `json:"last_error,omitempty"`
	Failed      map[string]uint64 `json:"failed,omitempty"`
	Redials     uint64            `json:"redials"`
}

type pipe struct {
	ID           uint32            `json:"id"`
	URL          string            `json:"url"`
	Transport    string            `json:"transport"`
	Dialect      string            `json:"dialect"`
	TLS          *tlsState         `json:"tls,omitempty"`
	Local        string            `json:"local,omitempty"`
	Remote       string            `json:"remote,omitempty"`
	Identity     string            `json:"identity,omitempty"`
	PeerProtocol string            `json:"peer_protocol"`
	Since        time.Time         `json:"since"`
	Peer         *place            `json:"peer"`
	Sent         uint64            `json:"sent"`
	Delivered    uint64            `json:"delivered"`
	Rates        rates             `json:"rates"`
	Send         queue             `json:"send"`
	Recv         queue             `json:"recv"`
	RTT          *latency          `json:"rtt,omitempty"`
	Dropped      map[string]uint64 `json:"dropped,omitempty"`
}

type tlsState struct {
	Version  string    `json:"version"`
	Cipher   string    `json:"cipher"`
	NotAfter time.Time `json:"not_after"`
}

type place struct {
	Instance string `json:"instance"`
	Socket   uint64 `json:"socket"`
	Pipe     uint32 `json:"pipe"`
}

type queue struct {
	Queued     int   `json:"queued"`
	Limit      int   `json:"limit"`
	Bytes      int64 `json:"bytes"`
	LimitBytes int64 `json:"limit_bytes"`
}

type latency struct {
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Count uint64        `json:"count"`
}

type event struct {
	Instance string        `json:"instance"`
	Time     time.Time     `json:"time"`
	Socket   uint64        `json:"socket"`
	Name     string        `json:"name"`
	Protocol string        `json:"protocol"`
	Kind     string        `json:"kind"`
	Endpoint string        `json:"endpoint,omitempty"`
	Pipe     uint32        `json:"pipe,omitempty"`
	Remote   string        `json:"remote,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Count    uint64        `json:"count,omitempty"`
	Wait     time.Duration `json:"wait_ns,omitempty"`
	Error    string        `json:"error,omitempty"`
}

type heartbeat struct {
	At      time.Time `json:"at"`
	Nodes   int       `json:"nodes"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Tap     bool      `json:"tap"`
}

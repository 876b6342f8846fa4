// SPDX-License-Identifier: MIT

package tools_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// An exchange is one pattern, seen from both ends: what the tool plays, what Spry plays, and where bodies go.
type exchange struct {
	tool, spry     string
	toTool, toSpry bool
	header         bool // the pattern puts a routing header before the body
	serves         bool // the tool deals with one peer after the other, without an end, and sends only when it is asked
}

// role is what Spry plays, for [libraryEnd] and [commandEnd]. A listening pair adapts to version 0, a dialing one has
// to be told.
func (x exchange) role(a kit.Address) string {
	if x.tool == "pair0" && !a.SpryListens {
		return "pair0"
	}
	return x.spry
}

var reqToRep = exchange{tool: "req", spry: "rep", toSpry: true, toTool: true, header: true}

var exchanges = []exchange{
	{tool: "push", spry: "pull", toSpry: true},
	{tool: "pull", spry: "push", toTool: true, serves: true},
	{tool: "pub", spry: "sub", toSpry: true},
	{tool: "sub", spry: "pub", toTool: true, serves: true},
	reqToRep,
	{tool: "rep", spry: "req", toSpry: true, toTool: true, header: true, serves: true},
	{tool: "surveyor", spry: "respondent", toSpry: true, toTool: true, header: true},
	{tool: "respondent", spry: "surveyor", toSpry: true, toTool: true, header: true, serves: true},
	{tool: "pair0", spry: "pair", toSpry: true, toTool: true},
	{tool: "pair1", spry: "pair", toSpry: true, toTool: true, header: true},
	{tool: "bus", spry: "bus", toSpry: true, toTool: true},
}

// A tool is a foreign command that sends and receives messages of most patterns.
type tool struct {
	name, debianPackage string
	transports          []string
	forgetsEnds         []string          // transports over which it may not notice that Spry ends the connection, and Spry waits
	protocols           map[string]string // the option for each role; absent where the tool has none
	bodyLimit           int               // of a message that it takes, header included
	args                func(x exchange, a kit.Address, bodyFile string, empty bool) []string
}

var tools = []tool{
	{
		name:          "nngcat",
		debianPackage: "nng-utils",
		transports:    []string{"tcp", "ipc", "tls+tcp", "ws"},
		// A receiver of libnng 1.5.2 that finds the close frame right behind a message, before it asks for the next one, forgets it.
		forgetsEnds: []string{"ws", "wss"},
		protocols: map[string]string{
			"push": "--push0", "pull": "--pull0", "pub": "--pub0", "sub": "--sub0", "req": "--req0", "rep": "--rep0",
			"surveyor": "--surveyor0", "respondent": "--respondent0", "pair0": "--pair0", "pair1": "--pair1", "bus": "--bus0",
		},
		bodyLimit: 1 << 30,
		args:      nngcatArgs,
	},
	{
		name:          "nanocat",
		debianPackage: "nanomsg-utils",
		transports:    []string{"tcp", "ipc", "ws"},
		protocols: map[string]string{
			"push": "--push", "pull": "--pull", "pub": "--pub", "sub": "--sub", "req": "--req", "rep": "--rep",
			"surveyor": "--surveyor", "respondent": "--respondent", "pair0": "--pair", "bus": "--bus",
		},
		bodyLimit: 1 << 20, // libnanomsg's default; the tool has no option for it
		args:      nanocatArgs,
	},
}

// start runs the tool in its role of x, sending the body in bodyFile if the role sends.
func (tl tool) start(t *testing.T, x exchange, a kit.Address, bodyFile string, empty bool) *peer.Process {
	t.Helper()
	program := peer.Find(t, tl.name, tl.debianPackage)
	how := "--listen"
	if a.SpryListens {
		how = "--dial"
	}
	if tl.name == "nanocat" {
		how = map[string]string{"--listen": "--bind", "--dial": "--connect"}[how]
	}
	args := append([]string{tl.protocols[x.tool], how, a.URL}, tl.args(x, a, bodyFile, empty)...)
	if x.toTool {
		args = append(args, "--msgpack")
	}
	return peer.Start(t, program, args...)
}

// nngcatArgs: it dials synchronously, so what it sends after dialing has a peer. What it sends after it began to
// listen has none yet, and patterns that do not wait for one need repetition or delay. It fails if it is printing a
// message when its --interval ends, so those that receive have no short one.
func nngcatArgs(x exchange, a kit.Address, bodyFile string, _ bool) []string {
	args := []string{"--recv-maxsz", "0"}
	if x.toSpry {
		args = append(args, "--file", bodyFile)
	}
	switch {
	case x.tool == "surveyor": // answers may come too late on a busy machine: repeat, well after the deadline of 1 s
		args = append(args, "--interval", "3")
	case x.tool == "push", (x.tool == "pub" || x.tool == "bus") && a.SpryListens:
		args = append(args, "--interval", kit.LongPause)
	case x.tool == "pub":
		args = append(args, "--interval", "1")
	case x.tool == "bus":
		args = append(args, "--delay", "3", "--interval", kit.LongPause)
	}
	switch {
	case a.TLS == nil:
	case a.SpryListens:
		args = append(args, "--cacert", a.TLS.AuthorityFile)
	default:
		args = append(args, "--cert", a.TLS.Server.CertFile, "--key", a.TLS.Server.KeyFile)
	}
	return args
}

// nanocatArgs: it connects in the background, so patterns that do not wait for a peer need repetition.
func nanocatArgs(x exchange, _ kit.Address, bodyFile string, empty bool) []string {
	var args []string
	switch {
	case x.toSpry && empty:
		args = append(args, "--data", "") // it aborts on an empty --file
	case x.toSpry:
		args = append(args, "--file", bodyFile)
	}
	switch x.tool {
	case "push":
		args = append(args, "--interval", kit.LongPause)
	case "pub", "bus":
		args = append(args, "--interval", "0.2")
	case "surveyor":
		args = append(args, "--interval", "1")
	}
	return args
}

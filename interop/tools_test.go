// SPDX-License-Identifier: MIT

package interop_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

// An exchange is one pattern, seen from both ends: what the tool plays, what Spry plays, and where bodies go.
type exchange struct {
	tool, spry     string
	toTool, toSpry bool
	header         bool // the pattern puts a routing header before the body
}

// role is what Spry plays, for [libraryEnd] and [commandEnd]. A listening pair adapts to version 0, a dialing one has
// to be told.
func (x exchange) role(a address) string {
	if x.tool == "pair0" && !a.spryListens {
		return "pair0"
	}
	return x.spry
}

var reqToRep = exchange{tool: "req", spry: "rep", toSpry: true, toTool: true, header: true}

var exchanges = []exchange{
	{tool: "push", spry: "pull", toSpry: true},
	{tool: "pull", spry: "push", toTool: true},
	{tool: "pub", spry: "sub", toSpry: true},
	{tool: "sub", spry: "pub", toTool: true},
	reqToRep,
	{tool: "rep", spry: "req", toSpry: true, toTool: true, header: true},
	{tool: "surveyor", spry: "respondent", toSpry: true, toTool: true, header: true},
	{tool: "respondent", spry: "surveyor", toSpry: true, toTool: true, header: true},
	{tool: "pair0", spry: "pair", toSpry: true, toTool: true},
	{tool: "pair1", spry: "pair", toSpry: true, toTool: true, header: true},
	{tool: "bus", spry: "bus", toSpry: true, toTool: true},
}

// An address is where the two ends meet.
type address struct {
	transport   string
	url         string
	dialect     string // what stands before the URL when Spry dials: "zmtp+", or nothing
	spryListens bool
	tls         *credentials // for tls+tcp
	mutual      bool         // with a certificate of the dialing end too
}

// A tool is a foreign command that sends and receives messages of most patterns.
type tool struct {
	name, debianPackage string
	transports          []string
	protocols           map[string]string // the option for each role; absent where the tool has none
	bodyLimit           int               // of a message that it takes, header included
	args                func(x exchange, a address, bodyFile string, empty bool) []string
}

// longPause is an --interval that keeps a tool from closing its socket, and so from losing what is still queued,
// after the one message that it sends.
const longPause = "3600"

var tools = []tool{
	{
		name:          "nngcat",
		debianPackage: "nng-utils",
		transports:    []string{"tcp", "ipc", "tls+tcp"},
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
		transports:    []string{"tcp", "ipc"},
		protocols: map[string]string{
			"push": "--push", "pull": "--pull", "pub": "--pub", "sub": "--sub", "req": "--req", "rep": "--rep",
			"surveyor": "--surveyor", "respondent": "--respondent", "pair0": "--pair", "bus": "--bus",
		},
		bodyLimit: 1 << 20, // libnanomsg's default; the tool has no option for it
		args:      nanocatArgs,
	},
}

// start runs the tool in its role of x, sending the body in bodyFile if the role sends.
func (tl tool) start(t *testing.T, x exchange, a address, bodyFile string, empty bool) *peer.Process {
	t.Helper()
	program := peer.Find(t, tl.name, tl.debianPackage)
	how := "--listen"
	if a.spryListens {
		how = "--dial"
	}
	if tl.name == "nanocat" {
		how = map[string]string{"--listen": "--bind", "--dial": "--connect"}[how]
	}
	args := append([]string{tl.protocols[x.tool], how, a.url}, tl.args(x, a, bodyFile, empty)...)
	if x.toTool {
		args = append(args, "--msgpack")
	}
	return peer.Start(t, program, args...)
}

// nngcatArgs: it dials synchronously, so what it sends after dialing has a peer. What it sends after it began to
// listen has none yet, and patterns that do not wait for one need repetition or delay. It fails if it is printing a
// message when its --interval ends, so those that receive have no short one.
func nngcatArgs(x exchange, a address, bodyFile string, _ bool) []string {
	args := []string{"--recv-maxsz", "0"}
	if x.toSpry {
		args = append(args, "--file", bodyFile)
	}
	switch {
	case x.tool == "surveyor": // answers may come too late on a busy machine: repeat, well after the deadline of 1 s
		args = append(args, "--interval", "3")
	case x.tool == "push", (x.tool == "pub" || x.tool == "bus") && a.spryListens:
		args = append(args, "--interval", longPause)
	case x.tool == "pub":
		args = append(args, "--interval", "1")
	case x.tool == "bus":
		args = append(args, "--delay", "3", "--interval", longPause)
	}
	switch {
	case a.tls == nil:
	case a.spryListens:
		args = append(args, "--cacert", a.tls.authorityFile)
	default:
		args = append(args, "--cert", a.tls.server.certFile, "--key", a.tls.server.keyFile)
	}
	return args
}

// nanocatArgs: it connects in the background, so patterns that do not wait for a peer need repetition.
func nanocatArgs(x exchange, _ address, bodyFile string, empty bool) []string {
	var args []string
	switch {
	case x.toSpry && empty:
		args = append(args, "--data", "") // it aborts on an empty --file
	case x.toSpry:
		args = append(args, "--file", bodyFile)
	}
	switch x.tool {
	case "push":
		args = append(args, "--interval", longPause)
	case "pub", "bus":
		args = append(args, "--interval", "0.2")
	case "surveyor":
		args = append(args, "--interval", "1")
	}
	return args
}

// SPDX-License-Identifier: MIT

package tools_test

import (
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// commandRoles are the verbs and their arguments, by what Spry plays.
var commandRoles = map[string]struct {
	verb             string
	args             []string
	sends, receives  bool
	staysForRepeated bool // it answers until it is ended, because the tool may ask again
}{
	"push":       {verb: "push", sends: true},
	"pull":       {verb: "pull", args: []string{"--count", "1"}, receives: true},
	"pub":        {verb: "pub", sends: true},
	"sub":        {verb: "sub", args: []string{"--count", "1"}, receives: true},
	"req":        {verb: "req", sends: true, receives: true},
	"rep":        {verb: "rep", args: []string{"--count", "1"}, sends: true, receives: true},
	"surveyor":   {verb: "survey", args: []string{"--deadline", "60s", "--answers", "1"}, sends: true, receives: true},
	"respondent": {verb: "respond", sends: true, receives: true, staysForRepeated: true},
	"pair":       {verb: "pair", args: []string{"--recv-count", "1"}, sends: true, receives: true},
	"pair0":      {verb: "pair", args: []string{"--v0", "--recv-count", "1"}, sends: true, receives: true},
	"bus":        {verb: "bus", args: []string{"--recv-count", "1"}, sends: true, receives: true},
}

// startCommand runs the spry command in a role. Extra arguments go last.
func startCommand(t *testing.T, role string, a kit.Address, send []byte, extra ...string) *peer.Process {
	t.Helper()
	r := commandRoles[role]
	args := []string{r.verb, "--dial", a.URL}
	if a.SpryListens {
		args[1] = "--listen"
	}
	switch {
	case a.TLS == nil:
	case a.SpryListens:
		args = append(args, "--cert", a.TLS.Server.CertFile, "--key", a.TLS.Server.KeyFile)
	default:
		args = append(args, "--cacert", a.TLS.AuthorityFile)
	}
	if r.sends {
		args = append(args, "--file", kit.BodyFile(t, send))
	}
	if r.receives {
		args = append(args, "--format", "msgpack-bin")
	}
	p := peer.Start(t, kit.Builder.Command(t, kit.CommandFolder), append(append(args, r.args...), extra...)...)
	if a.SpryListens {
		peer.WaitListening(t, a.URL)
	}
	return p
}

// commandEnd is the spry command as an end.
func commandEnd(t *testing.T, role string, a kit.Address, send []byte) func() []byte {
	t.Helper()
	p := startCommand(t, role, a, send)
	return func() []byte {
		t.Helper()
		received := receivedBy(p, role)
		if !commandRoles[role].staysForRepeated {
			p.Wait()
		}
		return received
	}
}

// commandLeftRunning is commandEnd for a tool that may forget to end the connection, so that the command does not end soon.
func commandLeftRunning(t *testing.T, role string, a kit.Address, send []byte) func() []byte {
	t.Helper()
	p := startCommand(t, role, a, send)
	return func() []byte {
		t.Helper()
		return receivedBy(p, role)
	}
}

// receivedBy waits for what a command in a role receives.
func receivedBy(p *peer.Process, role string) []byte {
	if !commandRoles[role].receives {
		return nil
	}
	return p.WaitBodies(1)[0]
}

// SPDX-License-Identifier: MIT

package cli

import (
	"io"

	"github.com/sprymq/spry/cmd/spry/internal/cat"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// replyNeed says whether a verb answers what it receives.
type replyNeed int

const (
	noReply   replyNeed = iota
	mayEcho             // with what --echo or --exec makes of it; --data and --file are messages of its own
	mayReply            // with --data and --file too
	mustReply           // likewise, and it has to
)

// replier settles how messages are answered; nil means not at all.
func (m *messageFlags) replier(stderr io.Writer, need replyNeed) (cat.Replier, error) {
	given := map[string]bool{
		"--echo": m.echo, "--exec": m.exec != "", "--data": len(m.Source.Data) > 0, "--file": len(m.Source.Files) > 0,
	}
	ways := 0
	for _, is := range given {
		if is {
			ways++
		}
	}
	if m.Source.Together && ways == 2 && given["--data"] && given["--file"] {
		ways = 1
	}
	several := len(m.Source.Data)+len(m.Source.Files) > 1 && !m.Source.Together
	made := m.echo || m.exec != ""
	switch {
	case need == noReply, need == mayEcho && !made, need == mayReply && ways == 0:
		return nil, nil
	case need == mayEcho && ways > 1:
		return nil, exit.Errorf(exit.Usage, "--echo and --exec answer what comes; they go without each other, --data and --file")
	case ways != 1 || several:
		return nil, exit.Errorf(exit.Usage, "say how to answer: with one of --exec COMMAND, --data TEXT, --file PATH and --echo")
	case m.echo:
		return cat.Echo, nil
	case m.exec != "":
		return cat.Exec(m.exec, m.Separator, stderr, m.execErrors), nil
	}
	for frames, err := range m.Source.All() {
		return cat.Fixed(frames), err
	}
	return cat.Fixed(nil), nil
}

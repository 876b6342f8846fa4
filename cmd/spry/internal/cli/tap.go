// SPDX-License-Identifier: MIT

package cli

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/cat"
	"github.com/sprymq/spry/cmd/spry/internal/devices"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/internal/textform"
)

func newTap() *cobra.Command {
	var (
		m      messageFlags
		name   string
		to     string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use: "tap", Short: "Show copies of what passes a proxy", GroupID: "look", Args: takesFlags,
		Long: "Shows copies of messages that pass the devices of spry proxy --config, at the address that a device has as its tap.\n" +
			"The devices do not wait for it: copies for which there is no room are dropped, and counted there.",
		Example: "  spry tap --dial tcp://127.0.0.1:5562\n" +
			"  spry tap --dial tcp://127.0.0.1:5562 --device news --to back --format quoted\n" +
			"  spry tap --dial tcp://127.0.0.1:5562 --json --count 10",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := m.options(cmd)
			if err != nil {
				return err
			}
			o.To = ""
			switch {
			case to != "" && to != "front" && to != "back":
				return exit.Errorf(exit.Usage, "--to %q is neither front nor back", to)
			case to != "" && name == "":
				return exit.Errorf(exit.Usage, "--to needs --device NAME")
			case name != "":
				topic := name + " "
				if to != "" {
					topic += to + "\n"
				}
				o.Subscribe = []string{topic}
			}
			printer, err := format.New(cmd.OutOrStdout(), o.Format, o.Separator)
			if err != nil {
				return exit.Errorf(exit.Usage, "%w", err)
			}
			o.RecvCount = -1
			o.Sink = func(records []format.Record) error {
				for i := range records {
					if err := showCopy(cmd, printer, &records[i], asJSON); err != nil {
						return err
					}
				}
				return nil
			}
			return cat.Run(cmd.Context(), openerOf("sub"), o, cat.Stdio{Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()})
		},
	}
	m.addCommonFlags(cmd)
	addZMTPFlag(cmd, &m.Socket)
	m.addReceiveFlags(cmd)
	cmd.Flags().StringVar(&name, "device", "", "show the messages of the device of this `name` only")
	cmd.Flags().StringVar(&to, "to", "", "show what goes to this `side` only: front or back")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each copy as a JSON object: time, device, to, peer, pipe, size, count, skipped, and body, body_base64 or frames")
	return cmd
}

// showCopy prints what a tap sent. What is no copy is reported: a peer may send anything.
func showCopy(cmd *cobra.Command, printer *format.Printer, record *format.Record, asJSON bool) error {
	_, text, found := strings.Cut(record.Body, "\n")
	var c devices.Copy
	frames, err := textform.ParseFrames([]byte(text))
	if err == nil {
		err = json.Unmarshal([]byte(text), &c)
	}
	if !found || err != nil {
		cmd.PrintErrln("spry: a message came that is not of a tap of spry proxy")
		return nil
	}
	if asJSON {
		var line bytes.Buffer
		if err := json.Compact(&line, []byte(text)); err != nil {
			return err
		}
		line.WriteByte('\n')
		_, err := cmd.OutOrStdout().Write(line.Bytes())
		return err
	}
	shown := format.Record{Body: string(bytes.Join(frames, nil)), Time: c.Time, Peer: c.Peer, Pipe: c.Pipe, Size: c.Size, Count: record.Count}
	if len(frames) > 1 {
		for _, f := range frames {
			shown.Frames = append(shown.Frames, string(f))
		}
	}
	return printer.Print(shown)
}

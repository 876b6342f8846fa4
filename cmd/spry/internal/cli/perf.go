// SPDX-License-Identifier: MIT

package cli

import (
	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/zmqperf"
)

const perfNote = "The same happens when the command is called by this name. The other end may be libzmq's tool.\n" +
	"spry bench measures more."

// perfVerbs stand for the personalities in help; Run sees to them before cobra does.
func perfVerbs() []*cobra.Command {
	texts := map[string]struct{ short, example string }{
		"local_lat":  {"Answer the requests of remote_lat", "  spry local_lat tcp://*:5555 64 10000"},
		"remote_lat": {"Measure round trips, as libzmq's tool does", "  spry remote_lat tcp://host:5555 64 10000"},
		"local_thr":  {"Measure what remote_thr sends, as libzmq's tool does", "  spry local_thr tcp://*:5555 64 1000000"},
		"remote_thr": {"Send to local_thr", "  spry remote_thr tcp://host:5555 64 1000000"},
		"inproc_lat": {"Measure round trips within the process, as libzmq's tool does", "  spry inproc_lat 64 1000000"},
		"inproc_thr": {"Measure messages one way within the process, as libzmq's tool does", "  spry inproc_thr 64 10000000"},
	}
	var cmds []*cobra.Command
	for _, name := range zmqperf.Names() {
		text := texts[name]
		cmds = append(cmds, &cobra.Command{
			Use: zmqperf.Usage(name), DisableFlagsInUseLine: true, Short: text.short, Long: text.short + ".\n\n" + perfNote,
			Example: text.example + "\n  ln -s $(which spry) " + name, GroupID: "foreign",
			Run: func(*cobra.Command, []string) {},
		})
	}
	return cmds
}

// SPDX-License-Identifier: MIT

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/cat"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/cmd/spry/internal/recording"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

// recorded are the patterns that receive.
var recorded = []string{"sub", "pull", "pair", "bus", "xsub", "dish", "dealer", "router", "gather", "client", "server", "peer", "channel"}

// raws are the raw sockets that record shows the routing headers of, without answering.
var raws = map[string]spry.Protocol{
	"raw-rep": spry.ProtocolRep, "raw-respond": spry.ProtocolRespondent, "raw-pair": spry.ProtocolPair1, "raw-bus": spry.ProtocolBus,
	"raw-sub": spry.ProtocolSub, "raw-pull": spry.ProtocolPull,
}

// named are the raw sockets whose headers begin with the id of a pipe of this process.
var named = []string{"raw-rep", "raw-respond", "raw-bus"}

const pipeIDLen = 4

// recorders are the names of all patterns that record has.
func recorders() []string {
	names := slices.Clone(recorded)
	return append(names, "raw-rep", "raw-respond", "raw-pair", "raw-bus", "raw-sub", "raw-pull")
}

// openerOf makes the socket of a pattern.
func openerOf(pattern string) cat.Opener {
	if protocol, is := raws[pattern]; is {
		return func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s, err := spry.NewRaw(protocol, &options)
			if err != nil {
				return nil, nil, err
			}
			return cat.Receives(s), s, nil
		}
	}
	return verbs[slices.IndexFunc(verbs, func(v verb) bool { return v.name == pattern })].open
}

func newRecord() *cobra.Command {
	var (
		m                messageFlags
		form             string
		maxSize, segment units.Size
		maxAge           units.Duration
		asJSON           bool
		o                recording.Options
		retained         = []string{"max-size", "max-age", "segment-size"}
		onlyOf           = map[string][]string{"subscribe": {"sub", "xsub"}, "join": {"dish"}, "identity": {"dealer", "router"}, "overflow": {"sub", "xsub", "dish"}}
	)
	cmd := &cobra.Command{
		Use: "record PATTERN [FILE]", Short: "Receive messages into a file, for replay", GroupID: "look",
		ValidArgs: recorders(),
		Args:      takesAndFile("a pattern that receives"),
		Long: "Receives messages with a socket of the pattern, and writes each with its time, frames, peer and topic, until Ctrl-C.\n" +
			"The raw patterns record requests and surveys with their routing headers, and answer nothing.\n\n" +
			"FILE is new. Its name decides the format: lines of JSON for .ndjson and .jsonl, and for standard output, which no\n" +
			"FILE, or -, is; otherwise a compact file with an index. --format says it itself. A FILE that ends with a slash, or has\n" +
			"a limit, is a folder of segments: it is continued if it is there, and above a limit its oldest segments are removed,\n" +
			"which is reported. What was written is readable whatever ends the process.",
		Example: "  spry record sub --dial tcp://127.0.0.1:5556 news.spry\n" +
			"  spry record pull --listen tcp://*:5555 jobs.ndjson --count 1000\n" +
			"  spry record sub --zmtp --dial tcp://bitcoin:28332 blocks/ --max-size 10GiB --max-age 720h\n" +
			"  spry record raw-rep --listen tcp://*:5557 requests.spry\n" +
			"  spry record sub --dial tcp://a:5556 | spry replay pub --listen tcp://*:5556",
		RunE: func(cmd *cobra.Command, args []string) error {
			pattern := args[0]
			for flag, patterns := range onlyOf {
				if cmd.Flags().Changed(flag) && !slices.Contains(patterns, pattern) {
					return exit.Errorf(exit.Usage, "--%s is of %s, and not of %s", flag, strings.Join(patterns, " and "), pattern)
				}
			}
			if pattern == "dish" && len(m.Join) == 0 {
				return exit.Errorf(exit.Usage, "dish needs --join GROUP")
			}
			if m.Socket.Overflow == "" && slices.Contains(onlyOf["overflow"], pattern) {
				m.Socket.Overflow = "block" // a recording is to be whole: what has no room waits in the connection
			}
			co, err := m.options(cmd)
			if err != nil {
				return err
			}
			limited := slices.ContainsFunc(retained, cmd.Flags().Changed)
			if err := destination(&o, args[1:], form, limited, cmd.OutOrStdout()); err != nil {
				return err
			}
			if asJSON && o.Path == "" {
				return exit.Errorf(exit.Usage, "--json needs a FILE: standard output has the messages")
			}
			o.Pattern, o.MaxBytes, o.MaxAge, o.SegmentBytes = pattern, int64(maxSize), time.Duration(maxAge), int64(segment)
			r := recorder{cmd: cmd, options: co, pattern: pattern}
			o.Removed = r.removed
			if r.to, err = recording.Create(o); err != nil {
				return fmt.Errorf("record: %w", err)
			}
			err = r.run()
			if asJSON {
				err = errors.Join(err, r.report(o.Path))
			} else if !m.Quiet {
				r.summary(o.Path)
			}
			return err
		},
	}
	m.addCommonFlags(cmd)
	addZMTPFlag(cmd, &m.Socket)
	addSecurityFlags(cmd, &m.Socket.Security)
	m.addSubscribeFlag(cmd)
	m.addOverflowFlag(cmd)
	m.addIdentityFlag(cmd)
	f := cmd.Flags()
	f.Lookup("overflow").Usage = "`policy` for a full queue: block (default), drop-oldest or drop-newest"
	f.StringArrayVarP(&m.Join, "join", "j", nil, "receive the messages of this `group` (repeatable)")
	f.Var(&m.recvTimeout, "recv-timeout", "end if nothing is received for this `time`")
	f.StringVarP(&form, "format", "f", "", "`format` of FILE: compact or ndjson")
	f.Var(&maxSize, "max-size", "make FILE a folder, and remove the oldest segments while all are larger than this `size`")
	f.Var(&maxAge, "max-age", "make FILE a folder, and remove segments whose last message is older than this `time` (90m, 720h)")
	f.Var(&segment, "segment-size", "make FILE a folder, and begin a segment after this `size` (default 64MiB, or an eighth of --max-size if that is less)")
	f.BoolVar(&asJSON, "json", false, "at the end, print a JSON object: file, messages, bytes, segments, written_bytes, removed_segments, removed_messages, removed_bytes, not_recorded")
	_ = cmd.RegisterFlagCompletionFunc("format", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"compact", "ndjson"}, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// takesAndFile is takes, and perhaps a file.
func takesAndFile(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := takes(what)(cmd, args[:min(len(args), 1)]); err != nil {
			return err
		}
		if len(args) > 2 {
			return exit.Errorf(exit.Usage, "give one file only: %q is too much", args[2])
		}
		return nil
	}
}

// destination decides where a recording goes, and in which format.
func destination(o *recording.Options, args []string, form string, limited bool, out io.Writer) error {
	if len(args) > 0 && args[0] != "-" {
		o.Path = args[0]
	}
	o.Folder = o.Path != "" && (limited || strings.HasSuffix(o.Path, "/") || strings.HasSuffix(o.Path, string(filepath.Separator)))
	switch form {
	case "ndjson":
		o.NDJSON = true
	case "":
		ext := filepath.Ext(o.Path)
		o.NDJSON = !o.Folder && (o.Path == "" || ext == ".ndjson" || ext == ".jsonl")
	case "compact":
	default:
		return exit.Errorf(exit.Usage, "--format %q is neither compact nor ndjson", form)
	}
	switch {
	case o.Path == "" && limited:
		return exit.Errorf(exit.Usage, "--max-size, --max-age and --segment-size need a FILE, which becomes a folder")
	case o.Folder && o.NDJSON:
		return exit.Errorf(exit.Usage, "a folder of segments is compact: leave --format ndjson, or the limits, out")
	case o.Path == "":
		o.Out = out
	}
	return nil
}

// A recorder receives into a recording.
type recorder struct {
	cmd     *cobra.Command
	options *cat.Options
	pattern string

	mu   sync.Mutex // guards to
	to   *recording.Writer
	lost int // messages that could not be written
	fail error

	discarded bool // nothing was recorded, because of an error

	buf []recording.Message
}

// tick is the time between two looks for segments that are too old.
const tick = time.Second

func (r *recorder) run() error {
	r.options.RecvCount, r.options.Sink = -1, r.sink
	if r.options.Count > 0 {
		r.options.RecvCount = r.options.Count
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				r.mu.Lock()
				r.to.Tick(now)
				r.mu.Unlock()
			case <-stop:
				return
			}
		}
	}()
	err := cat.Run(r.cmd.Context(), openerOf(r.pattern), r.options, cat.Stdio{Out: io.Discard, Err: r.cmd.ErrOrStderr()})
	close(stop)
	<-stopped
	end := r.to.Close
	if (err != nil || r.fail != nil) && r.to.Figures().Messages == 0 {
		end, r.discarded = r.to.Discard, true // so that the same command can be given again
	}
	closing := end()
	if r.fail == nil {
		if closing != nil {
			return exit.Errorf(exit.Partial, "record: %w; %d messages are recorded, and the end of the recording is not", closing, r.to.Figures().Messages)
		}
		return err
	}
	code := exit.Failure
	if r.to.Figures().Messages > 0 {
		code = exit.Partial
	}
	return exit.Errorf(code, "record: %w; %d messages are recorded, and %d that were received are not", r.fail, r.to.Figures().Messages, r.lost)
}

// sink writes received messages.
func (r *recorder) sink(records []format.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil { // while the socket drains
		r.lost += len(records)
		return r.fail
	}
	r.buf = r.buf[:0]
	for i := range records {
		r.buf = append(r.buf, r.message(&records[i]))
	}
	before := r.to.Figures().Messages
	if err := r.to.Append(r.buf...); err != nil {
		r.fail = err
		r.lost += len(records) - int(r.to.Figures().Messages-before)
		return err
	}
	clear(r.buf)
	return nil
}

func (r *recorder) message(record *format.Record) recording.Message {
	m := recording.Message{Time: record.Time, Pipe: record.Pipe, Peer: record.Peer, User: record.User, Topic: r.topic(record)}
	if header := record.Header; slices.Contains(named, r.pattern) && len(header) >= pipeIDLen {
		m.Header = []byte(header[pipeIDLen:])
	} else if raws[r.pattern] != 0 && header != "" {
		m.Header = []byte(header)
	}
	for _, f := range record.Frames {
		m.Frames = append(m.Frames, []byte(f))
	}
	if len(m.Frames) == 0 {
		m.Frames = [][]byte{[]byte(record.Body)}
	}
	return m
}

// topic is what a message was received for: the longest subscription that it begins with, or else its first frame if it has several; a
// dish's messages begin with their group.
func (r *recorder) topic(record *format.Record) (topic string) {
	if !slices.Contains([]string{"sub", "xsub", "dish", "raw-sub"}, r.pattern) {
		return ""
	}
	for _, t := range r.options.Subscribe {
		if len(t) > len(topic) && strings.HasPrefix(record.Body, t) {
			topic = t
		}
	}
	if topic == "" && len(record.Frames) > 0 {
		topic = record.Frames[0]
	}
	return topic
}

// removed reports a segment that a limit removed.
func (r *recorder) removed(gone recording.Removal) {
	switch {
	case gone.Err != nil:
		r.cmd.PrintErrf("spry: --%s: %s cannot be removed: %v\n", gone.Why, filepath.Base(gone.File), gone.Err)
	case !r.options.Quiet:
		r.cmd.PrintErrf("spry: --%s: %s with %d messages was removed\n", gone.Why, filepath.Base(gone.File), gone.Messages)
	}
}

func (r *recorder) summary(path string) {
	figures := r.to.Figures()
	if path == "" {
		path = "standard output"
	}
	text := fmt.Sprintf("%d messages of %d bytes recorded in %s", figures.Messages, figures.Bytes, path)
	if r.discarded {
		text = "nothing was recorded"
	}
	if figures.RemovedSegments > 0 {
		text += fmt.Sprintf("; %d messages in %d segments removed", figures.RemovedMessages, figures.RemovedSegments)
	}
	r.cmd.PrintErrf("spry: %s\n", text)
}

func (r *recorder) report(path string) error {
	return json.NewEncoder(r.cmd.OutOrStdout()).Encode(struct {
		File string `json:"file"`
		recording.Figures
		NotRecorded int `json:"not_recorded"`
	}{path, r.to.Figures(), r.lost})
}

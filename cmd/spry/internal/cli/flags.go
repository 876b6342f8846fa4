// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/cat"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/cmd/spry/internal/source"
	"github.com/sprymq/spry/cmd/spry/internal/terminal"
	"github.com/sprymq/spry/cmd/spry/internal/units"
)

// addEndpointFlags adds where to connect to and how to secure it.
func addEndpointFlags(cmd *cobra.Command, set *endpoint.Set) {
	f := cmd.Flags()
	f.StringArrayVarP(&set.Dial, "dial", "d", nil, "connect to this `URL`; any number, redialed for ever")
	f.StringArrayVarP(&set.Listen, "listen", "l", nil, "listen at this `URL`; any number, port 0 is a free port")
	addTLSFlags(cmd, &set.TLS)
}

// needAddress refuses a command line without an address.
func needAddress(set *endpoint.Set) error {
	if len(set.Dial)+len(set.Listen) == 0 {
		return exit.Errorf(exit.Usage, "no address: give at least one --dial URL or --listen URL")
	}
	return nil
}

func addTLSFlags(cmd *cobra.Command, tls *endpoint.TLS) {
	f := cmd.Flags()
	f.StringVar(&tls.CACert, "cacert", "", "tls: certificates that may have signed the peer's, a PEM `file`; listeners then want one of every peer")
	f.StringVar(&tls.Cert, "cert", "", "tls: own certificate, a PEM `file`")
	f.StringVar(&tls.Key, "key", "", "tls: its key, a PEM `file`; by default it is in the file of --cert")
	f.StringVar(&tls.ServerName, "server-name", "", "tls: the `name` that a dialed peer must prove, instead of the URL's host")
	f.BoolVar(&tls.Insecure, "insecure", false, "tls: DANGEROUS: take any certificate, from anybody")
	for _, name := range []string{"cacert", "cert", "key"} {
		cmd.MarkFlagFilename(name, "pem", "crt", "key")
	}
}

// messageFlags are the flags of the verbs for messages, as the command line has them.
type messageFlags struct {
	cat.Options
	count, peers, answers, recvCount       units.Count
	span, interval, delay                  units.Duration
	recvTimeout, sendTimeout, connTimeout  units.Duration
	linger, retry, deadline                units.Duration
	rate                                   units.Rate
	queue                                  units.Count
	queueBytes, maxMessage                 units.Size
	lines, ndjson, echo, execErrors, never bool
	exec, separator, to                    string
}

// addCommonFlags adds what every verb for messages has.
func (m *messageFlags) addCommonFlags(cmd *cobra.Command) {
	addEndpointFlags(cmd, &m.Endpoints)
	f := cmd.Flags()
	f.VarP(&m.count, "count", "n", "end after so many messages (10, 5k, 1M)")
	f.Var(&m.span, "for", "end after this `time` (10s, 1h30m; a plain number is seconds)")
	f.Var(&m.connTimeout, "connect-timeout", "give up if no peer is there after this `time`; waits for ever by default")
	f.Var(&m.linger, "linger", "give up delivering and receiving the rest at the end after this `time`; by default 1s after Ctrl-C, else without limit")
	f.Var(&m.queue, "queue", "messages to queue per peer and direction (library's default: 16384)")
	f.Var(&m.queueBytes, "queue-bytes", "the same in bytes (library's default: 4MiB)")
	f.Var(&m.maxMessage, "max-message", "largest message to take, or unlimited (library's default: 16MiB)")
	f.IntVar(&m.Socket.TTL, "ttl", 0, "most `hops` that a message may come over (library's default: 8)")
	f.BoolVarP(&m.Quiet, "quiet", "q", false, "no talk on standard error but errors")
	f.BoolVarP(&m.Verbose, "verbose", "v", false, "tell of connections, drops and other events on standard error")
}

// addFramesFlag adds how the frames of a message are told apart. Verbs that send and receive have it once.
func (m *messageFlags) addFramesFlag(cmd *cobra.Command) {
	f := cmd.Flags()
	if f.Lookup("frames") == nil {
		f.StringVar(&m.separator, "frames", "", "the `text` that stands between the frames of a message, like ', ' or '\\t', in what is sent, and printed as text or raw; "+
			"printed text has a bar by default")
	}
}

// addZMTPFlag adds the choice of ZeroMQ, to what can speak both families.
func addZMTPFlag(cmd *cobra.Command, o *cat.SocketOptions) {
	cmd.Flags().BoolVar(&o.ZMTP, "zmtp", false, "speak ZeroMQ only, as with --curve and --plain flags; by default a listener takes peers of both families, and zmtp+ before a URL dials ZeroMQ")
}

// addIdentityFlag adds what sockets say that ROUTER sockets address.
func (m *messageFlags) addIdentityFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.Socket.Identity, "identity", "", "tell ZeroMQ peers that this socket is called this `name`")
}

// addSendFlags adds where messages come from and how fast they go.
func (m *messageFlags) addSendFlags(cmd *cobra.Command) {
	m.addDataFlags(cmd)
	f := cmd.Flags()
	f.BoolVarP(&m.Source.Together, "multipart", "m", false, "all of --data and --file together are one message, each a frame of it")
	f.BoolVar(&m.lines, "lines", false, "each line of standard input, or of --file, is a message")
	f.BoolVar(&m.ndjson, "ndjson", false, `the same with JSON: "text", {"body":"text"}, {"body_base64":"..."} or {"frames":["a",{"base64":"..."}]} on each line`)
	f.VarP(&m.interval, "interval", "i", "`time` between messages; --data and --file are sent again and again")
	f.Var(&m.rate, "rate", "messages in a time (5, 10k/s, 90/m), another way to say --interval")
	f.Var(&m.delay, "delay", "wait for this `time` between the first peer's coming and the first message")
	f.Var(&m.peers, "peers", "wait for so many peers before the first message")
	f.Var(&m.sendTimeout, "send-timeout", "give up if nobody takes a message within this `time`")
	cmd.MarkFlagsMutuallyExclusive("lines", "ndjson", "multipart")
	cmd.MarkFlagsMutuallyExclusive("rate", "interval")
}

func (m *messageFlags) addDataFlags(cmd *cobra.Command) {
	m.addFramesFlag(cmd)
	f := cmd.Flags()
	f.StringArrayVarP(&m.Source.Data, "data", "D", nil, "a message, this `text`; any number")
	f.StringArrayVarP(&m.Source.Files, "file", "F", nil, "a `file` whose contents are a message, - is standard input; any number")
}

// addReceiveFlags adds how messages are printed.
func (m *messageFlags) addReceiveFlags(cmd *cobra.Command) {
	m.addFramesFlag(cmd)
	f := cmd.Flags()
	f.StringVarP(&m.Format, "format", "f", "text", "print messages as text, raw, quoted, hex, base64, json, msgpack-bin, none, or by a "+
		"`template` like '{{.Time}} {{.Peer}} {{quote .Body}}' with .Body .Frames .Time .Peer .User .Pipe .Size .Count and quote, hex, base64, text")
	f.Var(&m.recvTimeout, "recv-timeout", "end if nothing comes for this `time`")
	cmd.RegisterFlagCompletionFunc("format", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return format.Names, cobra.ShellCompDirectiveNoFileComp
	})
}

func (m *messageFlags) addOverflowFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.Socket.Overflow, "overflow", "", "where a peer's queue is full: drop-oldest (default), drop-newest, block or disconnect")
	cmd.RegisterFlagCompletionFunc("overflow", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return endpoint.OverflowNames, cobra.ShellCompDirectiveNoFileComp
	})
}

// addReplyFlags adds where answers come from.
func (m *messageFlags) addReplyFlags(cmd *cobra.Command) {
	m.addDataFlags(cmd)
	m.addEchoFlags(cmd)
	cmd.Flags().BoolVarP(&m.Source.Together, "multipart", "m", false, "all of --data and --file together are one answer, each a frame of it")
	cmd.Flags().Var(&m.sendTimeout, "send-timeout", "give up an answer that nobody takes within this `time`")
}

// addEchoFlags adds answers that are made of what is received.
func (m *messageFlags) addEchoFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&m.echo, "echo", false, "answer with the request itself")
	f.StringVarP(&m.exec, "exec", "e", "", "answer with what this `command` prints; it gets the request on standard input, and SPRY_PEER and SPRY_SIZE")
	f.BoolVar(&m.execErrors, "exec-errors", false, "answer even if the command fails; otherwise there is no answer then")
	f.IntVar(&m.Workers, "workers", 8, "answer so many requests at once")
}

// options settles what the flags mean together.
func (m *messageFlags) options(cmd *cobra.Command) (*cat.Options, error) {
	o := &m.Options
	if err := needAddress(&o.Endpoints); err != nil {
		return nil, err
	}
	o.Count, o.Peers, o.Answers = int64(m.count), int(m.peers), int64(m.answers)
	o.For, o.Delay = time.Duration(m.span), time.Duration(m.delay)
	o.RecvTimeout, o.SendTimeout = time.Duration(m.recvTimeout), time.Duration(m.sendTimeout)
	o.ConnectTimeout, o.Linger = time.Duration(m.connTimeout), time.Duration(m.linger)
	o.Deadline, o.Retry = time.Duration(m.deadline), time.Duration(m.retry)
	if m.never {
		o.Retry = -1
	}
	if o.RecvCount = -1; cmd.Flags().Changed("recv-count") {
		o.RecvCount = int64(m.recvCount)
	}
	o.Socket.Queue, o.Socket.QueueBytes, o.Socket.MaxMessage = int(m.queue), int64(m.queueBytes), int64(m.maxMessage)
	if o.Interval = time.Duration(m.interval); o.Interval == 0 {
		o.Interval = m.rate.Interval()
	}
	var err error
	if m.Separator, err = unescape("--frames", m.separator); err != nil {
		return nil, err
	}
	if o.To, err = unescape("--to", m.to); err != nil {
		return nil, err
	}
	o.Source.Separator = o.Separator
	o.Repeat = o.Interval > 0 || o.Count > 0
	if o.Format == "" {
		o.Format = "none" // verbs that receive nothing
	}
	switch {
	case m.lines:
		o.Source.Split = source.Lines
	case m.ndjson:
		o.Source.Split = source.NDJSON
	}
	o.Source.Limit = o.Socket.MaxMessage
	return o, nil
}

// readInput makes standard input a part of the source, where no flag named one: as lines from a terminal, whole from
// a pipe. must says that there has to be something to send.
func (m *messageFlags) readInput(cmd *cobra.Command, in io.Reader, must bool) error {
	s := &m.Source
	for _, path := range s.Files {
		if _, err := os.Stat(path); path != "-" && err != nil {
			return fmt.Errorf("--file: %w", err) // better now than when a peer has come
		}
	}
	if len(s.Data) > 0 || len(s.Files) > 0 {
		return nil
	}
	switch {
	case terminal.Is(in):
		if s.Split == source.Whole {
			s.Split = source.Lines
		}
		s.Stdin = in
		if !m.Quiet {
			cmd.PrintErrln("spry: every line typed is a message; Ctrl-D ends the input")
		}
	case s.Split != source.Whole || terminal.Piped(in):
		s.Stdin, s.SkipEmpty = in, true
	case must:
		return exit.Errorf(exit.Usage, "nothing to send: give --data TEXT or --file PATH, or pipe something in")
	}
	return nil
}

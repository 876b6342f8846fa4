// SPDX-License-Identifier: MIT

package cli

import (
	"io"
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
	f.StringArrayVarP(&set.Dial, "dial", "d", nil, "connect to `URL` (repeatable, reconnects)")
	f.StringArrayVarP(&set.Listen, "listen", "l", nil, "listen at `URL` (repeatable; port 0 picks a free port)")
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
	f.StringVar(&tls.CACert, "cacert", "", "trust the authorities in this PEM `file`; a listener then requires a certificate from each peer")
	f.StringVar(&tls.Revoked, "crl", "", "refuse peers whose certificates are in the revocation lists in this PEM `file`")
	f.StringVar(&tls.Cert, "cert", "", "PEM `file` with this end's certificate")
	f.StringVar(&tls.Key, "key", "", "PEM `file` with the certificate's key; by default, the file of --cert")
	f.StringVar(&tls.ServerName, "server-name", "", "verify this `name` of a dialed peer instead of the URL's host")
	f.BoolVar(&tls.Insecure, "insecure", false, "DANGEROUS: accept any certificate from anybody")
	for _, name := range []string{"cacert", "crl", "cert", "key"} {
		cmd.MarkFlagFilename(name, "pem", "crt", "crl", "key")
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
	f.VarP(&m.count, "count", "n", "end after this many messages (10, 5k, 1M)")
	f.Var(&m.span, "for", "end after this `time` (10s, 1h30m; a plain number is seconds)")
	f.Var(&m.connTimeout, "connect-timeout", "give up if no peer is connected after this `time`; by default, wait for ever")
	f.Var(&m.linger, "linger", "at the end, give up sending and receiving the rest after this `time`; by default 1s after Ctrl-C, otherwise no limit")
	f.Var(&m.queue, "queue", "queue at most this many messages per peer and direction (default 16384)")
	f.Var(&m.queueBytes, "queue-bytes", "queue at most this many bytes per peer and direction (default 4MiB)")
	f.Var(&m.maxMessage, "max-message", "receive messages up to this size, or unlimited (default 16MiB)")
	f.IntVar(&m.Socket.TTL, "ttl", 0, "receive messages that came over at most this many `hops` (default 8)")
	f.BoolVarP(&m.Quiet, "quiet", "q", false, "print only errors")
	f.BoolVarP(&m.Verbose, "verbose", "v", false, "report connections, drops and other events on standard error")
}

// addFramesFlag adds the flag that separates the frames of a message. Verbs that send and receive have it once.
func (m *messageFlags) addFramesFlag(cmd *cobra.Command) {
	f := cmd.Flags()
	if f.Lookup("frames") == nil {
		f.StringVar(&m.separator, "frames", "", "`text` between the frames of a message, such as ', ' or '\\t': input is split at it, and frames printed as text or raw are joined "+
			"by it (default when printing text: a bar)")
	}
}

// addZMTPFlag adds the choice of ZeroMQ, for sockets of both families.
func addZMTPFlag(cmd *cobra.Command, o *cat.SocketOptions) {
	cmd.Flags().BoolVar(&o.ZMTP, "zmtp", false, "speak ZeroMQ only; by default a listener accepts both families, and zmtp+tcp:// dials ZeroMQ")
}

// addIdentityFlag adds what sockets say that ROUTER sockets address.
func (m *messageFlags) addIdentityFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.Socket.Identity, "identity", "", "identity that ZeroMQ peers see, a `name`")
}

// addSendFlags adds where messages come from and how fast they go.
func (m *messageFlags) addSendFlags(cmd *cobra.Command) {
	m.addDataFlags(cmd)
	f := cmd.Flags()
	f.BoolVarP(&m.Source.Together, "multipart", "m", false, "send all --data and --file as the frames of one message")
	f.BoolVar(&m.lines, "lines", false, "send each line of standard input or --file as a message")
	f.BoolVar(&m.ndjson, "ndjson", false, `send each line, a JSON value: "text", {"body":"text"}, {"body_base64":"..."} or {"frames":["a",{"base64":"..."}]}`)
	f.BoolVar(&m.Templates, "templates", false, "fill in {{.Count}}, {{.Time}} and {{.Random}} in what is sent")
	f.VarP(&m.interval, "interval", "i", "send --data and --file again and again, with this `time` between messages")
	f.Var(&m.rate, "rate", "send this many messages in a time (5, 10k/s, 90/m) instead of --interval")
	f.Var(&m.delay, "delay", "wait this `time` between the first peer and the first message")
	f.Var(&m.peers, "peers", "wait for this many peers before the first message")
	f.Var(&m.sendTimeout, "send-timeout", "give up if no peer accepts a message within this `time`")
	cmd.MarkFlagsMutuallyExclusive("lines", "ndjson", "multipart")
	cmd.MarkFlagsMutuallyExclusive("rate", "interval")
}

func (m *messageFlags) addDataFlags(cmd *cobra.Command) {
	m.addFramesFlag(cmd)
	f := cmd.Flags()
	f.StringArrayVarP(&m.Source.Data, "data", "D", nil, "send this `text` as a message (repeatable)")
	f.StringArrayVarP(&m.Source.Files, "file", "F", nil, "send the contents of `file` as a message; - is standard input (repeatable)")
}

// addReceiveFlags adds how messages are printed.
func (m *messageFlags) addReceiveFlags(cmd *cobra.Command) {
	m.addFramesFlag(cmd)
	f := cmd.Flags()
	f.StringVarP(&m.Format, "format", "f", "text", "print messages as text, raw, quoted, hex, base64, json, msgpack-bin, none, or by a "+
		"`template` such as '{{.Peer}} {{(json .Body).price}}'; fields: .Body .Frames .Time .Peer .User .Pipe .Size .Count; functions: quote hex base64 text json")
	f.Var(&m.recvTimeout, "recv-timeout", "end if nothing is received for this `time`")
	cmd.RegisterFlagCompletionFunc("format", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return format.Names, cobra.ShellCompDirectiveNoFileComp
	})
}

func (m *messageFlags) addOverflowFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.Socket.Overflow, "overflow", "", "`policy` for a full queue: drop-oldest (default), drop-newest, block or disconnect")
	cmd.RegisterFlagCompletionFunc("overflow", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return endpoint.OverflowNames, cobra.ShellCompDirectiveNoFileComp
	})
}

// addReplyFlags adds where answers come from.
func (m *messageFlags) addReplyFlags(cmd *cobra.Command) {
	m.addDataFlags(cmd)
	m.addEchoFlags(cmd)
	cmd.Flags().BoolVarP(&m.Source.Together, "multipart", "m", false, "answer with all --data and --file as the frames of one message")
	cmd.Flags().Var(&m.sendTimeout, "send-timeout", "drop an answer that the peer does not accept within this `time`")
}

// addEchoFlags adds answers that are made from the received message.
func (m *messageFlags) addEchoFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&m.echo, "echo", false, "answer with the request itself")
	f.StringVarP(&m.exec, "exec", "e", "", "answer with the output of this `command`; its standard input is the request, and it gets SPRY_PEER and SPRY_SIZE")
	f.BoolVar(&m.execErrors, "exec-errors", false, "answer even if the command fails; otherwise the request is discarded")
	f.IntVar(&m.Workers, "workers", 8, "answer this many requests at once")
}

// options combines and checks the flags.
func (m *messageFlags) options(cmd *cobra.Command) (*cat.Options, error) {
	o := &m.Options
	if err := needAddress(&o.Endpoints); err != nil {
		return nil, err
	}
	o.Endpoints.Verb, o.Endpoints.ZMTP = true, o.Socket.ZMTP
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
	return o, m.checkTemplates()
}

// checkTemplates finds mistakes in --data before a peer has to come.
func (m *messageFlags) checkTemplates() error {
	var templates source.Templates
	for _, data := range m.Source.Data {
		if !m.Templates {
			break
		}
		if _, err := templates.Fill([][]byte{[]byte(data)}, 1); err != nil {
			return exit.Errorf(exit.Usage, "--data: %w", err)
		}
	}
	return nil
}

// readInput makes standard input a part of the source, where no flag named one: as lines from a terminal, whole from
// a pipe. must says that there has to be something to send.
func (m *messageFlags) readInput(cmd *cobra.Command, in io.Reader, must bool) error {
	s := &m.Source
	for _, path := range s.Files {
		if path == "-" {
			continue
		}
		if err := source.Check(path); err != nil { // better now than when a peer has come
			return err
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

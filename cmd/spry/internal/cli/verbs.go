// SPDX-License-Identifier: MIT

package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/cat"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// A verb is one command that moves messages: all that the command knows of a pattern, but for its rows in the tables of the tour and
// the proxy.
type verb struct {
	name, short, long, example string
	open                       cat.Opener
	flags                      func(m *messageFlags, cmd *cobra.Command) // beyond the common ones
	input                      inputNeed
	replies                    replyNeed
	family                     family
}

// A family is the protocol family of a verb's socket.
type family int

const (
	bothFamilies family = iota // the Scalability Protocols and ZeroMQ
	spOnly
	zmtpOnly
)

// inputNeed is how a verb uses standard input.
type inputNeed int

const (
	noInput   inputNeed = iota
	mayInput            // if there is any
	mustInput           // there has to be something to send
)

const pairNote = "It goes on receiving after the last message was sent, until --recv-count messages came, nothing came for\n" +
	"--recv-timeout, --for is over, or Ctrl-C. With --recv-count 0 it only sends."

// verbs are all for messages.
var verbs = slices.Concat(spVerbs, zmqVerbs)

// spVerbs are the verbs of the Scalability Protocols; ZeroMQ has most of them too.
var spVerbs = []verb{
	{
		name: "push", short: "Send each message to one of the pull sockets",
		long: "Waits for a peer, sends, and ends when everything is with the peers' kernels, however long that takes.",
		example: `  spry push --dial tcp://127.0.0.1:5555 --data hello
  tail -f log | spry push --listen tcp://*:5555 --lines
  spry push --zmtp --dial tcp://zeromq-host:5555 --multipart --data head --data body
  spry push --dial ipc:///tmp/jobs --ndjson < jobs.ndjson
  spry push --dial tcp://127.0.0.1:5555 --data tick --rate 10/s --for 1m`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewPush(&spry.PushOptions{Options: options})
			return cat.Sends(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) { m.addSendFlags(cmd) }, input: mustInput,
	},
	{
		name: "pull", short: "Receive messages from push sockets",
		example: `  spry pull --listen tcp://127.0.0.1:5555
  spry pull --listen tcp://*:5555 --format json > messages.ndjson
  spry pull --dial ipc:///tmp/jobs --count 1 --format raw > one
  spry pull --listen tcp://*:5555 --format '{{.Count}} {{.Peer}} {{quote .Body}}'`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewPull(&spry.PullOptions{Options: options})
			return cat.Receives(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) { m.addReceiveFlags(cmd) },
	},
	{
		name: "pub", short: "Send each message to all sub sockets",
		long: "Waits for a first subscriber (--peers N for more). A subscriber that comes later misses what was sent before.\n" +
			"The topic of a message is how it begins.",
		example: `  spry pub --listen tcp://*:5556 --data 'weather sunny' --interval 1s
  spry pub --listen ipc:///tmp/news --peers 3 --file issue.txt
  sensors | spry pub --dial tcp://hub:5556 --lines --overflow block`,
		open: func(_ *cat.Options, options spry.Options, overflow spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewPub(&spry.PubOptions{Options: options, Overflow: overflow})
			return cat.AfterSubscribers(s.WaitSubscribers, cat.Sends(s)), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) { m.addSendFlags(cmd); m.addOverflowFlag(cmd) }, input: mustInput,
	},
	{
		name: "sub", short: "Receive messages from pub sockets",
		long: "Receives everything, or what begins with one of the --subscribe topics.",
		example: `  spry sub --dial tcp://127.0.0.1:5556
  spry sub --dial tcp://127.0.0.1:5556 --subscribe weather --subscribe sport
  spry sub --zmtp --dial tcp://bitcoin:28332 --subscribe hashblock --format hex
  spry sub --dial ipc:///tmp/news --count 1 --connect-timeout 5s`,
		open: func(o *cat.Options, options spry.Options, overflow spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewSub(&spry.SubOptions{Options: options, Overflow: overflow})
			return cat.Receives(s), s, subscribe(s, o.Subscribe)
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addReceiveFlags(cmd)
			m.addOverflowFlag(cmd)
			m.addSubscribeFlag(cmd)
		},
	},
	{
		name: "req", short: "Send requests and print the replies",
		long: "Sends each message as a request to one of the rep sockets, and waits for its reply before the next.",
		example: `  spry req --dial tcp://127.0.0.1:5557 --data hello
  spry req --dial ipc:///tmp/upper --recv-timeout 2s --data shout
  spry req --dial tcp://a:5557 --dial tcp://b:5557 --retry 1s --lines < questions`,
		open: func(o *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewReq(&spry.ReqOptions{Options: options, Retry: o.Retry})
			return cat.Asks(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addSendFlags(cmd)
			m.addReceiveFlags(cmd)
			m.addIdentityFlag(cmd)
			cmd.Flags().Var(&m.retry, "retry", "send a request again if there is no reply after this `time` (default 1m)")
			cmd.Flags().BoolVar(&m.never, "no-retry", false, "never send a request twice")
			cmd.MarkFlagsMutuallyExclusive("retry", "no-retry")
		},
		input: mustInput,
	},
	{
		name: "rep", short: "Answer requests",
		long: "Prints each request (--format none does not) and answers it. A command that fails makes no answer, and the\n" +
			"requester's retry decides what happens.",
		example: `  spry rep --listen tcp://*:5557 --exec 'tr a-z A-Z'
  spry rep --listen ipc:///tmp/time --exec date --format none
  spry rep --listen tcp://127.0.0.1:5557 --echo --count 1
  spry rep --dial tcp://queue:5558 --data 'out of order'`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewRep(&spry.RepOptions{Options: options})
			return cat.Answers(s), s, nil
		},
		flags:   func(m *messageFlags, cmd *cobra.Command) { m.addReplyFlags(cmd); m.addReceiveFlags(cmd) },
		replies: mustReply,
	},
	{
		name: "survey", family: spOnly, short: "Ask everybody and print the answers",
		long: "Sends each message to all respond sockets and prints what they answer before the deadline.",
		example: `  spry survey --dial tcp://127.0.0.1:5559 --data 'who is there?'
  spry survey --listen tcp://*:5559 --peers 3 --answers 3 --data vote
  spry survey --listen ipc:///tmp/census --deadline 200ms --interval 10s --data count --format json`,
		open: func(o *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewSurveyor(&spry.SurveyorOptions{Options: options, Deadline: o.Deadline})
			return cat.Surveys(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addSendFlags(cmd)
			m.addReceiveFlags(cmd)
			cmd.Flags().Var(&m.deadline, "deadline", "wait this `time` for answers (default 1s)")
			cmd.Flags().Var(&m.answers, "answers", "end a survey before its deadline after this many answers")
		},
		input: mustInput,
	},
	{
		name: "respond", family: spOnly, short: "Answer surveys",
		long: "Prints each survey (--format none does not) and answers it.",
		example: `  spry respond --dial tcp://127.0.0.1:5559 --exec hostname
  spry respond --listen tcp://*:5559 --data here --format none`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewRespondent(&spry.RespondentOptions{Options: options})
			return cat.Answers(s), s, nil
		},
		flags:   func(m *messageFlags, cmd *cobra.Command) { m.addReplyFlags(cmd); m.addReceiveFlags(cmd) },
		replies: mustReply,
	},
	{
		name: "pair", short: "Exchange messages with one peer", long: pairNote,
		example: `  spry pair --listen tcp://127.0.0.1:5560          # type lines in both terminals
  spry pair --dial tcp://127.0.0.1:5560
  spry pair --dial tcp://127.0.0.1:5560 --data ping --recv-count 1
  spry pair --dial tcp://nanomsg-host:5560 --v0 --data hello --recv-count 0`,
		open: func(o *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewPair(&spry.PairOptions{Options: options, V0: o.Socket.PairV0})
			return cat.Exchanges(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addExchangeFlags(cmd)
			cmd.Flags().BoolVar(&m.Socket.PairV0, "v0", false, "speak version 0 of the protocol, as nanomsg does; a listener adapts to its peer")
		},
		input: mayInput,
	},
	{
		name: "bus", family: spOnly, short: "Exchange messages with all neighbours", long: pairNote,
		example: `  spry bus --listen tcp://127.0.0.1:5561
  spry bus --dial tcp://127.0.0.1:5561 --dial tcp://127.0.0.1:5562 --data hello`,
		open: func(_ *cat.Options, options spry.Options, overflow spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := spry.NewBus(&spry.BusOptions{Options: options, Overflow: overflow})
			return cat.Exchanges(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addExchangeFlags(cmd)
			m.addOverflowFlag(cmd)
		},
		input: mayInput,
	},
}

// subscribe subscribes to topics, or to everything.
func subscribe(s interface{ Subscribe(...string) error }, topics []string) error {
	if len(topics) == 0 {
		topics = []string{""}
	}
	return s.Subscribe(topics...)
}

func (m *messageFlags) addRecvCount(cmd *cobra.Command) {
	cmd.Flags().Var(&m.recvCount, "recv-count", "end after receiving this many messages; --count is for those sent")
}

func messageVerbs() []*cobra.Command {
	var cmds []*cobra.Command
	for _, v := range verbs {
		cmds = append(cmds, v.command())
	}
	return cmds
}

func (v verb) command() *cobra.Command {
	m := &messageFlags{}
	cmd := &cobra.Command{
		Use: v.name, Short: v.short, Example: v.example, GroupID: v.group(), Args: takesFlags,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.ValidateFlagGroups(); err != nil {
				return exit.Errorf(exit.Usage, "%w", err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := m.options(cmd)
			if err != nil {
				return err
			}
			if v.input != noInput && !m.echo && m.exec == "" {
				if err := m.readInput(cmd, cmd.InOrStdin(), v.input == mustInput); err != nil {
					return err
				}
			}
			if o.Reply, err = m.replier(cmd.ErrOrStderr(), v.replies); err != nil {
				return err
			}
			return cat.Run(cmd.Context(), v.open, o, cat.Stdio{In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()})
		},
	}
	if cmd.Long = v.short + "."; v.long != "" {
		cmd.Long += "\n\n" + v.long
	}
	m.addCommonFlags(cmd)
	if v.family == bothFamilies {
		addZMTPFlag(cmd, &m.Socket)
	}
	if v.family != spOnly {
		addSecurityFlags(cmd, &m.Socket.Security)
	}
	v.flags(m, cmd)
	if v.family == spOnly { // its messages have one frame
		_ = cmd.Flags().MarkHidden("frames")
		_ = cmd.Flags().MarkHidden("multipart")
	}
	return cmd
}

// group is where help lists the verb.
func (v verb) group() string {
	if v.family == zmtpOnly {
		return "zmq"
	}
	return "messages"
}

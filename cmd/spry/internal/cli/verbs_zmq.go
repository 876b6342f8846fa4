// SPDX-License-Identifier: MIT

package cli

import (
	"github.com/spf13/cobra"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/cat"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/zmq"
)

const draftNote = "A draft of ZeroMQ's: libzmq has it only if it was built so. Messages have one frame."

// zmqVerbs are the verbs of ZeroMQ's own socket types.
var zmqVerbs = []verb{
	{
		name: "dealer", short: "Exchange messages with router, rep and dealer sockets", family: zmtpOnly,
		long: "Sends each message to one of its peers, in turn. To talk to rep sockets, begin with an empty frame.\n" + pairNote,
		example: `  spry dealer --dial tcp://127.0.0.1:5562 --identity worker-1
  spry dealer --dial tcp://127.0.0.1:5562 --multipart --data '' --data hello --recv-count 1   # to a rep
  spry dealer --dial tcp://a:5562 --dial tcp://b:5562 --lines --frames ' '`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewDealer(&zmq.DealerOptions{Options: options})
			return cat.Exchanges(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addExchangeFlags(cmd)
			m.addIdentityFlag(cmd)
		},
		input: mayInput,
	},
	{
		name: "router", short: "Exchange messages with dealer, req and router sockets, each by its identity", family: zmtpOnly,
		long: "The first frame of what is printed is the sender's identity. What is sent goes to --to, or to whom its first\n" +
			"frame names, once there is such a peer. --echo and --exec answer each message; all up to the first empty frame, if\n" +
			"there is one, is then its way back and not a part of it.\n" + pairNote,
		example: `  spry router --listen tcp://*:5562 --format quoted
  spry router --listen tcp://*:5562 --to worker-1 --data 'your turn' --recv-count 1
  spry router --listen tcp://*:5562 --to '\x00\x8b\x12\xf0\x01' --data hello           # as printed
  spry router --listen ipc:///tmp/upper --exec 'tr a-z A-Z'`,
		open: func(o *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewRouter(&zmq.RouterOptions{Options: options, Mandatory: o.Reply == nil}) // answers never block
			return cat.Routes(s, o.To), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addExchangeFlags(cmd)
			m.addEchoFlags(cmd)
			m.addIdentityFlag(cmd)
			cmd.Flags().StringVar(&m.to, "to", "", "send to the peer of this `identity`; \\xNN is a byte")
		},
		input: mayInput, replies: mayEcho,
	},
	{
		name: "xpub", short: "Send each message to all sub sockets, and print what they subscribe to", family: zmtpOnly,
		long: "A subscription is printed as \\x01 and the topic when the first peer wants it, and as \\x00 and the topic when\n" +
			"none does any more.\n" + pairNote,
		example: `  spry xpub --listen tcp://*:5556
  spry xpub --listen tcp://*:5556 --data 'weather sunny' --interval 1s`,
		open: func(_ *cat.Options, options spry.Options, overflow spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewXPub(&zmq.XPubOptions{Options: options, Overflow: overflow})
			return cat.AfterSubscribers(s.WaitSubscribers, cat.Exchanges(s)), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addExchangeFlags(cmd)
			m.addOverflowFlag(cmd)
		},
		input: mayInput,
	},
	{
		name: "xsub", short: "Receive messages from pub sockets, and send to xpub sockets", family: zmtpOnly,
		long: "Subscribes to everything, or to the --subscribe topics. A message that begins with \\x01 or \\x00 is sent as a\n" +
			"subscription, or the end of one.\n" + pairNote,
		example: `  spry xsub --dial tcp://127.0.0.1:5556 --subscribe weather
  spry xsub --dial tcp://127.0.0.1:5556 --data 'to whom it may concern' --recv-count 0`,
		open: func(o *cat.Options, options spry.Options, overflow spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewXSub(&zmq.XSubOptions{Options: options, Overflow: overflow})
			return cat.Exchanges(s), s, subscribe(s, o.Subscribe)
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addExchangeFlags(cmd)
			m.addOverflowFlag(cmd)
			m.addSubscribeFlag(cmd)
		},
		input: mayInput,
	},
	{
		name: "radio", short: "Send each message to the dish sockets that joined a group", family: zmtpOnly,
		long: "The group is --group, or the first of two frames.\n" + draftNote,
		example: `  spry radio --listen tcp://*:5563 --group weather --data sunny --interval 1s
  spry radio --dial tcp://hub:5563 --lines --frames ': ' < forecasts`,
		open: func(o *cat.Options, options spry.Options, overflow spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewRadio(&zmq.RadioOptions{Options: options, Overflow: overflow})
			return cat.SendsToGroup(s, o.Group), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addSendFlags(cmd)
			m.addOverflowFlag(cmd)
			cmd.Flags().StringVar(&m.Group, "group", "", "send to this `group`")
		},
		input: mustInput,
	},
	{
		name: "dish", short: "Receive the messages of groups from radio sockets", family: zmtpOnly,
		long: "The group is printed as the first of two frames.\n" + draftNote,
		example: `  spry dish --dial tcp://127.0.0.1:5563 --join weather --join sport
  spry dish --listen tcp://*:5563 --join weather --format '{{.Frame 1}}'`,
		open: func(o *cat.Options, options spry.Options, overflow spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewDish(&zmq.DishOptions{Options: options, Overflow: overflow})
			return cat.Receives(s), s, s.Join(o.Join...)
		},
		flags: func(m *messageFlags, cmd *cobra.Command) {
			m.addReceiveFlags(cmd)
			m.addOverflowFlag(cmd)
			cmd.Flags().StringArrayVarP(&m.Join, "join", "j", nil, "receive the messages of this `group` (repeatable)")
			cmd.MarkFlagsOneRequired("join")
		},
	},
	{
		name: "client", short: "Exchange messages with server sockets", family: zmtpOnly,
		long:    draftNote + "\n" + pairNote,
		example: `  spry client --dial tcp://127.0.0.1:5564 --data hello --recv-count 1`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewClient(&options)
			return cat.Exchanges(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) { m.addExchangeFlags(cmd) }, input: mayInput,
	},
	{
		name: "server", short: "Receive messages of client sockets, and answer", family: zmtpOnly,
		long: "Prints what comes (--format none does not) and answers it, if it is said how.\n" + draftNote,
		example: `  spry server --listen tcp://*:5564 --exec 'tr a-z A-Z'
  spry server --listen tcp://*:5564`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewServer(&options)
			return cat.ReceivesOrAnswers(s), s, nil
		},
		flags:   func(m *messageFlags, cmd *cobra.Command) { m.addReplyFlags(cmd); m.addReceiveFlags(cmd) },
		replies: mayReply,
	},
	{
		name: "scatter", short: "Send each message to one of the gather sockets", family: zmtpOnly, long: draftNote,
		example: `  spry scatter --dial tcp://127.0.0.1:5565 --data hello
  tail -f log | spry scatter --listen tcp://*:5565 --lines`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewScatter(&options)
			return cat.Sends(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) { m.addSendFlags(cmd) }, input: mustInput,
	},
	{
		name: "gather", short: "Receive messages from scatter sockets", family: zmtpOnly, long: draftNote,
		example: `  spry gather --listen tcp://127.0.0.1:5565`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewGather(&options)
			return cat.Receives(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) { m.addReceiveFlags(cmd) },
	},
	{
		name: "peer", short: "Exchange messages with peer sockets", family: zmtpOnly,
		long: "Sends each message to all peers that are there. --echo and --exec answer each message instead.\n" + draftNote + "\n" + pairNote,
		example: `  spry peer --listen tcp://127.0.0.1:5566 --echo
  spry peer --dial tcp://127.0.0.1:5566 --data hello --recv-count 1`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewPeer(&options)
			return cat.ExchangesWithEach(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) { m.addExchangeFlags(cmd); m.addEchoFlags(cmd) },
		input: mayInput, replies: mayEcho,
	},
	{
		name: "channel", short: "Exchange messages with one channel socket", family: zmtpOnly, long: draftNote + "\n" + pairNote,
		example: `  spry channel --listen tcp://127.0.0.1:5567          # type lines in both terminals
  spry channel --dial tcp://127.0.0.1:5567`,
		open: func(_ *cat.Options, options spry.Options, _ spry.Overflow) (cat.Work, endpoint.Socket, error) {
			s := zmq.NewChannel(&options)
			return cat.Exchanges(s), s, nil
		},
		flags: func(m *messageFlags, cmd *cobra.Command) { m.addExchangeFlags(cmd) }, input: mayInput,
	},
}

// addExchangeFlags adds what verbs have that send and receive.
func (m *messageFlags) addExchangeFlags(cmd *cobra.Command) {
	m.addSendFlags(cmd)
	m.addReceiveFlags(cmd)
	m.addRecvCount(cmd)
}

// addSubscribeFlag adds the topics of a subscriber.
func (m *messageFlags) addSubscribeFlag(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&m.Subscribe, "subscribe", "s", nil, "receive messages that begin with this `topic` (repeatable; default: all)")
}

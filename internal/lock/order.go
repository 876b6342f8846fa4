// SPDX-License-Identifier: MIT

// Package lock has the order of the library's locks. A goroutine that holds a lock takes only locks further down the list,
// so that no two goroutines ever wait for each other. No lock is held across a call that may wait or a callback of the user.
//
// A field is declared as lock.Mutex[lock.Outbox], which is sync.Mutex. Programs that are built with the tag lockcheck record
// who holds which locks, and end when a lock is taken against the order: see .ci/run, step locks.
package lock

// The locks, in their order. The length of a type is its place; two of the same place are never held together.
type (
	// Filter is held by the reader that changes the topics of a peer (pattern.filter).
	Filter [10]struct{}
	// XPub guards the topics of all peers (pattern.XPub).
	XPub [11]struct{}

	// Socket guards the pipes and endpoints of a socket, and its state (engine.Socket).
	Socket [20]struct{}

	// Sender is the lock of a pattern's sending side: its pipes, and blocked senders (pattern.sender, also a fanout's).
	Sender [30]struct{}
	// Req guards calls, and whom they were sent to (pattern.Req).
	Req [31]struct{}
	// Sub guards subscriptions (pattern.Sub). Each run of messages is received under its read lock.
	Sub [32]struct{}
	// Surveyor guards surveys (pattern.Surveyor).
	Surveyor [33]struct{}

	// Endpoint guards the pipes and the handshakes of an endpoint (engine.Endpoint).
	Endpoint [40]struct{}

	// Outbox guards a pipe's send queue and its figures (engine.outbox).
	Outbox [50]struct{}
	// Inbound guards the figures of a pipe's received messages (engine.inbound).
	Inbound [51]struct{}

	// Inbox guards a receive queue (queue.Inbox).
	Inbox [60]struct{}

	// ObserveEvents guards the events that a handler keeps, and who follows them (observe.feed).
	ObserveEvents [69]struct{}

	// Changes guards the changes of topics that an XPub's application has not heard of (pattern.changes).
	Changes [70]struct{}
	// Events guards the events that are to be delivered (engine.events).
	Events [71]struct{}
	// Logger guards the events that are to be merged (engine.logger).
	Logger [72]struct{}

	// Follower guards the list of sockets with events for a follower (engine.Follower).
	Follower [73]struct{}

	// WebQueue guards the links of a handler (web.queue).
	WebQueue [74]struct{}
	// WebSocket guards whose turn it is to write a WebSocket (ws.link).
	WebSocket [75]struct{}
	// WebSocketPorts guards the addresses that WebSocket listeners can share (ws.bound).
	WebSocketPorts [76]struct{}
	// WebSocketPort guards the listeners that share an address (ws.shared).
	WebSocketPort [77]struct{}
	// BrowserSocket guards the events of a browser's WebSocket (ws.browserLink).
	BrowserSocket [78]struct{}
	// Descriptors guards which inherited descriptors listeners have (fd.listens).
	Descriptors [79]struct{}

	// Under the locks below, no other is taken.

	// Flusher guards the writes that a fan-out has handed over (engine.Flusher).
	Flusher [80]struct{}
	// Heartbeat guards the timer of a pipe's heartbeat (engine.heartbeat).
	Heartbeat [81]struct{}
	// Brake guards who guessed passwords (engine.brake).
	Brake [82]struct{}
	// Network guards the names of a process (engine.Network).
	Network [83]struct{}
	// Scope guards the goroutines and timers of a scope (scope.Scope).
	Scope [84]struct{}
	// Budget guards the accounts of a budget (budget.Budget).
	Budget [85]struct{}
	// Certificates guards the contents of a directory of certificates. It is held while files are read, so that they are
	// read once (zmq.certificates).
	Certificates [86]struct{}
	// Proxy guards the state of a proxy and its figures (zmq.ProxyControl).
	Proxy [87]struct{}

	// Buffer guards the messages of a buffered sender (bufsend.Sender).
	Buffer [88]struct{}

	// Registry guards the list of the process's sockets (engine.registry).
	Registry [89]struct{}

	// CertificateFiles guards the contents of files of TLS. It is held while they are read (certs.Source).
	CertificateFiles [90]struct{}

	// GatewayClients guards who has requests of a handler, and how many (gateway.clients).
	GatewayClients [91]struct{}
	// GatewayEvents guards the events that a handler keeps (gateway.Events).
	GatewayEvents [92]struct{}
	// Observe guards the report that is taken (observe.shared).
	Observe [93]struct{}
	// DashStore guards the latest messages for pages (dash.store).
	DashStore [94]struct{}

	// Port guards the claims and the undecided connections of a port (port.Port).
	Port [96]struct{}
	// StreamListener guards the connections of a listener that attach layers (stream.pending).
	StreamListener [97]struct{}
	// StreamMux guards the streams of a multiplexer and the frames to be written (stream.Mux).
	StreamMux [98]struct{}
	// StreamNames guards the names of streams within the process (stream.inprocNames).
	StreamNames [99]struct{}
	// StreamPipe guards one direction of a stream within the process (stream.halfPipe).
	StreamPipe [100]struct{}
	// StreamRate guards how much a throttled stream has moved (stream.bucket).
	StreamRate [101]struct{}
	// StreamDeadline guards the deadline of one direction of a stream (stream.deadline).
	StreamDeadline [102]struct{}

	// The locks below are those of tests.

	// SimNet guards a simulated network (simnet.Net).
	SimNet [120]struct{}
	// SimLink guards both ends of a simulated link (simnet.Link).
	SimLink [121]struct{}
	// SimLive guards the list of live links (simnet.Net).
	SimLive [122]struct{}
	// Memory guards the names of a transport for tests (transporttest.Memory).
	Memory [123]struct{}
	// Watcher guards the sockets of a test (invariant.watcher).
	Watcher [124]struct{}
	// SimHosts guards the hosts of a simulated network (sprytest.Net).
	SimHosts [125]struct{}
	// Journal guards what a test has sent and received (sprytest.Journal).
	Journal [126]struct{}
)

// SPDX-License-Identifier: MIT

package report

// webTargets are about WebSocket and TLS. A client masks what it sends, which a server must take off: so flows to the server have a
// bound of their own.
var webTargets = flattened([]targetGroup{
	{caseSet{title: "WebSocket", work: "thr", transports: ws, sizes: requests, place: "1cpu"}, []bound{
		{"spry", "rate", []string{"mangos", "libnng"}, 5, none},
	}},
	{caseSet{title: "WebSocket over TLS", work: "thr", transports: []string{"wss"}, sizes: requests, place: "1cpu"}, []bound{
		{"spry", "rate", mangos, none, 5},
	}},
	{caseSet{title: "WebSocket, ZeroMQ's dialect", work: "thr", transports: ws, sizes: requests, place: "1cpu"}, []bound{
		{"spry/zmtp", "rate", libzmq, none, 1},
	}},
	{caseSet{title: "Round trip, WebSocket and TLS", work: "lat", transports: webAndTLS, sizes: []int{64}, place: "1cpu"}, []bound{
		{"spry", "p50", mangos, none, 1},
	}},
	{caseSet{title: "WebSocket and TLS", work: "thr", transports: webAndTLS, sizes: requests, place: "1cpu"}, []bound{
		{"spry", CallsKey, nil, 0.5, 0.1}, // of both sides: none for each message, but some for many
	}},
	{caseSet{title: "WebSocket, to the server", work: "thr", transports: ws, sizes: []int{64 * kib, mib}, place: "1cpu"}, []bound{
		{"spry", "rate", overTCP, 0.6, none},
	}},
	{caseSet{title: "WebSocket, to the client", work: "down", transports: ws, sizes: []int{64 * kib, mib}, place: "1cpu"}, []bound{
		{"spry", "rate", overTCP, 0.8, none},
	}},
	{caseSet{title: "TLS", work: "thr", transports: []string{"tls+tcp"}, sizes: requests, place: "1cpu"}, []bound{
		{"spry", "rate", mangos, 5, none},
		{"spry/batch", "rate", goraw, 0.85, none},
	}},
	{caseSet{title: "A layer that changes no byte", work: "layers", transports: tcp, sizes: []int{kib, 64 * kib}, place: "1cpu"}, []bound{
		{"spry/trace", "rate", streamBelow, 0.9, none},
		{"spry/throttle", "rate", streamBelow, 0.9, none},
		{"spry/fault", "rate", streamBelow, 0.9, none},
	}},
	{caseSet{title: "POSTs to a Req", work: "http", transports: tcp, sizes: requests, params: []int{64}, place: "1cpu"}, []bound{
		{"spry/gateway", "rate", []string{"spry/net-http-req"}, 0.8, none}, // a handler of the same call and nothing else
		{"spry/gateway", "rate", []string{"spry/net-http"}, none, 0.8},     // a handler that calls a function instead
	}},
})

var (
	ws          = []string{"ws"}
	webAndTLS   = []string{"ws", "wss", "tls+tcp"}
	overTCP     = []string{"spry/tcp"} // in the same rounds
	streamBelow = []string{"spry/stream"}
)

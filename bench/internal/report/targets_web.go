// SPDX-License-Identifier: MIT

package report

// webTargets are about WebSocket and TLS. A client masks what it sends, which a server must take off: so flows to the server have a
// bound of their own.
var webTargets = flattened([]targetGroup{
	{caseSet{title: "WebSocket", work: "thr", transports: ws, sizes: requests, place: "1cpu"}, []bound{
		{"spry", "rate", []string{"mangos", "libnng"}, 5, none},
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
})

var (
	ws      = []string{"ws"}
	overTCP = []string{"spry/tcp"} // in the same rounds
)

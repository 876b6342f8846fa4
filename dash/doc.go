// SPDX-License-Identifier: MIT

// Package dash serves a page that shows the sockets of many processes while they run: who is connected to whom, how fast, how full, and
// what was dropped and why.
//
// In a program, one line shows its own sockets and those of the user's other programs that call [observe.ServeLocal]:
//
//	d, err := dash.New(&dash.Options{Local: true})
//	mux.Handle("/dash/", http.StripPrefix("/dash", d))
//
// The page is embedded, and asks for nothing elsewhere. It shows what /stats and /events of package observe show, of each process that
// the server reaches, and changes nothing.
//
// # Who sees it
//
// Without a token, the page is for this machine alone: requests must come to a loopback address or a Unix socket, and for a host that
// is localhost, a loopback address or one of Options.Hosts. So a page of another site cannot read it, even if its name was made to lead
// to this machine. With Options.Token, clients log in with the token, or send it as a bearer token. A verified client certificate, on a server
// whose TLS configuration demands one, is as good. Use TLS where others could read the network.
package dash

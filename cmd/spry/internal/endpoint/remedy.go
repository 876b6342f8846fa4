// SPDX-License-Identifier: MIT

package endpoint

import (
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/urls"
)

// An explained error has the text of Explain.
type explained struct {
	error
	text string
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.error }

// Explain returns what an error of an endpoint means, without the address, and what to do about it in the words of the
// command.
func (s *Set) Explain(url string, listening bool, err error) string {
	text := s.inFlags(cause(err), listening)
	if remedy := s.remedy(url, listening, err); remedy != "" {
		text += "; " + remedy
	}
	return text
}

// cause is the text of an error without its operation and addresses.
func cause(err error) string {
	text := strings.TrimPrefix(err.Error(), "spry: ")
	op, ok := errors.AsType[*spry.OpError](err)
	if !ok {
		return text
	}
	text = strings.TrimPrefix(text, strings.TrimSpace(op.Op+" "+op.URL))
	text = strings.TrimPrefix(text, " (peer "+op.Peer+")")
	return strings.TrimPrefix(text, ": ")
}

// The parts of the library's texts that advise in terms of the library.
var (
	mechanisms = regexp.MustCompile(`security mechanism "(\w+)" and this end "(\w+)"(: configure the same at both ends)?`)
	otherRole  = regexp.MustCompile(`open an? (\w+) socket here`)
	options    = strings.NewReplacer(
		"raise MaxMessageSize here", "raise --max-message",
		"add the authority that signed it to RootCAs", "give --cacert FILE with the authority that signed it",
		"add the authority that signed it to ClientCAs", "give --cacert FILE with the authority that signed it",
		"dial a name that it is for, or set ServerName", "give --server-name NAME with a name that it is for",
		"demands a certificate of this end: set Certificates", "demands a certificate of this end: give --cert FILE",
		"check the credentials and what the peer expects", credentials,
		"check the server's key", credentials,
		"the server's public key may be wrong here", "--curve-server-key may be wrong",
	)
	family = strings.NewReplacer("is dialed without zmtp+", "is dialed without --zmtp")
)

// credentials are what both ends have to agree on.
const credentials = "check --curve-server-key, --curve-key and the listener's --allow, or the name and password of --plain"

// verbNames are the verbs whose names differ from their sockets'.
var verbNames = map[string]string{"surveyor": "survey", "respondent": "respond", "pair0": "pair --v0", "pair1": "pair"}

// inFlags replaces the options that a text of the library names by flags.
func (s *Set) inFlags(text string, listening bool) string {
	text = options.Replace(text)
	if s.ZMTP && !listening {
		text = family.Replace(text)
	}
	if found := otherRole.FindStringSubmatch(text); found != nil && s.Verb {
		name := strings.ToLower(found[1])
		if verb := verbNames[name]; verb != "" {
			name = verb
		}
		text = strings.Replace(text, found[0], "use spry "+name+" here", 1)
	}
	if found := mechanisms.FindStringSubmatch(text); found != nil {
		advice := sameSecurity(found[1], found[2], listening)
		text = strings.Replace(text, found[0], strings.TrimSuffix(found[0], found[3])+": "+advice, 1)
	}
	return text
}

// sameSecurity says by which flags both ends have the same mechanism.
func sameSecurity(peer, here string, listening bool) string {
	client := map[string]string{"CURVE": "--curve-server-key KEY", "PLAIN": "--plain NAME"}
	server := map[string]string{"CURVE": "--curve-server and --curve-key FILE", "PLAIN": "--plain-server FILE"}
	own, others := client, server
	if listening {
		own, others = server, client
	}
	switch {
	case peer == "NULL":
		return "leave out " + own[here] + " here, or give " + others[here] + " there"
	case own[peer] == "":
		return "configure the same at both ends"
	case here == "NULL":
		return "give " + own[peer] + " here"
	}
	return "give " + own[peer] + " here instead of " + own[here]
}

// remedy is the remedy for an error, if the library names none, or not in the terms of the command.
func (s *Set) remedy(url string, listening bool, err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "to find out what listens there, " + inspection(url)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no interface of this machine has the address; with * for the host, all are listened at"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: start the listener, or check the address"
	case errors.Is(err, fs.ErrNotExist):
		if listening {
			return "create the folder " + filepath.Dir(path(url)) + " first"
		}
		return "nothing listens there: start the listener, or check the path"
	case errors.Is(err, fs.ErrPermission):
		return permission(url, listening)
	case isType[*net.DNSError](err):
		return "check the name of the host"
	case listening:
		return ""
	}
	return dialRemedy(url, err)
}

// dialRemedy is about handshakes with dialed peers.
func dialRemedy(url string, err error) string {
	op, ok := errors.AsType[*spry.OpError](err)
	if !ok {
		return ""
	}
	switch op.Reason {
	case spry.ReasonEarlyEOF, spry.ReasonBadHeader, spry.ReasonSecurity, spry.ReasonTimeout, spry.ReasonVersion, spry.ReasonUnknownProtocol:
		return "to find out what listens there, " + inspection(url)
	default:
		return "" // the library has said it
	}
}

func isType[E error](err error) bool {
	_, is := errors.AsType[E](err)
	return is
}

// permission says what to do without the permission for an address.
func permission(url string, listening bool) string {
	switch {
	case path(url) == "" && listening:
		return "ports below 1024 need a privilege: take a higher one"
	case path(url) == "":
		return "check the firewall of this machine"
	case listening:
		return "choose a folder in which you may create files"
	}
	return "connecting needs the permission to write to the file"
}

// path is the file of an ipc address; "" of others.
func path(url string) string {
	u, err := Parse(url)
	if err != nil || u.Scheme != "ipc" && u.Scheme != "unix" {
		return ""
	}
	return u.Address
}

// inspection is the command that finds out what listens at an address.
func inspection(url string) string {
	u, err := Parse(url)
	if err != nil {
		return "use spry inspect"
	}
	if plain, is := urls.Cut(u, "tls"); is {
		u = plain // TLS and the protocol inside are found out
	}
	if host, port, err := net.SplitHostPort(u.Address); err == nil && path(url) == "" && (host == "" || host == "*" || host == "0.0.0.0" || host == "::") {
		u.Address = net.JoinHostPort("127.0.0.1", port)
	}
	return "use spry inspect " + u.Redacted()
}

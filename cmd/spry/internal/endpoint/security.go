// SPDX-License-Identifier: MIT

package endpoint

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/zmq"
)

// Security says how to secure connections with ZeroMQ peers. Empty texts are not given.
type Security struct {
	CurveServerKey string // the server's public key in Z85, or a file with its certificate
	CurveKey       string // file of the own certificate
	CurveServer    bool   // be the server
	Allow          string // directory of the certificates of clients; a server without one takes all

	Plain             string // the own name, as a client
	PlainPasswordFile string // its first line is the password; otherwise PasswordVariable has it
	PlainServer       string // file of names and passwords, as a server
}

// PasswordVariable is where the environment has the password of --plain.
const PasswordVariable = "SPRY_PLAIN_PASSWORD"

// Library makes the library's option; nil where nothing was asked for.
func (s Security) Library() (spry.Security, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	switch {
	case s.CurveServer:
		return s.curveServer()
	case s.CurveServerKey != "":
		return s.curveClient()
	case s.PlainServer != "":
		return s.plainServer()
	case s.Plain != "":
		return s.plainClient()
	}
	return nil, nil
}

// check refuses flags that contradict each other.
func (s Security) check() error {
	roles := 0
	for _, is := range []bool{s.CurveServer, s.CurveServerKey != "", s.PlainServer != "", s.Plain != ""} {
		if is {
			roles++
		}
	}
	switch {
	case roles > 1:
		return exit.Errorf(exit.Usage, "a socket is one of --curve-server, --curve-server-key KEY, --plain-server FILE and --plain NAME")
	case s.CurveServer && s.CurveKey == "":
		return exit.Errorf(exit.Usage, "--curve-server needs --curve-key FILE; spry keygen curve makes one")
	case s.CurveKey != "" && !s.CurveServer && s.CurveServerKey == "":
		return exit.Errorf(exit.Usage, "--curve-key needs --curve-server, or --curve-server-key KEY")
	case s.Allow != "" && !s.CurveServer:
		return exit.Errorf(exit.Usage, "--allow needs --curve-server")
	case s.PlainPasswordFile != "" && s.Plain == "":
		return exit.Errorf(exit.Usage, "--plain-password-file needs --plain NAME")
	}
	return nil
}

func (s Security) curveServer() (spry.Security, error) {
	own, err := s.ownCertificate()
	if err != nil {
		return nil, err
	}
	server := zmq.CurveServer{Secret: own.Secret}
	if s.Allow != "" {
		if entry, err := os.Stat(s.Allow); err != nil || !entry.IsDir() {
			return nil, exit.Errorf(exit.Failure, "--allow %s is no directory that can be read", s.Allow)
		}
		server.Check = zmq.AllowCertificates(s.Allow)
	}
	return server, nil
}

func (s Security) curveClient() (spry.Security, error) {
	client := zmq.CurveClient{}
	if s.CurveKey != "" {
		own, err := s.ownCertificate()
		if err != nil {
			return nil, err
		}
		client.Secret = own.Secret
	}
	key, err := zmq.ParsePublicKey(s.CurveServerKey)
	if err != nil {
		certificate, loadErr := zmq.LoadCertificate(s.CurveServerKey)
		if loadErr != nil {
			return nil, fmt.Errorf("--curve-server-key is neither a key in Z85 (%w) nor the file of a certificate: %w", err, loadErr)
		}
		key = certificate.Public
	}
	client.Server = key
	return client, nil
}

// ownCertificate is the certificate of --curve-key, which has its secret half.
func (s Security) ownCertificate() (zmq.Certificate, error) {
	c, err := zmq.LoadCertificate(s.CurveKey)
	if err != nil {
		return c, fmt.Errorf("--curve-key: %w", err)
	}
	if c.Secret == (zmq.SecretKey{}) {
		return c, fmt.Errorf("--curve-key %s: there is no secret key in it, and no %s_secret beside it that can be read", s.CurveKey, s.CurveKey)
	}
	return c, nil
}

func (s Security) plainClient() (spry.Security, error) {
	password, given := os.LookupEnv(PasswordVariable)
	if s.PlainPasswordFile != "" {
		text, err := os.ReadFile(s.PlainPasswordFile)
		if err != nil {
			return nil, fmt.Errorf("--plain-password-file: %w", err)
		}
		password, _, _ = strings.Cut(string(text), "\n")
		password, given = strings.TrimSuffix(password, "\r"), true
	}
	if !given {
		return nil, exit.Errorf(exit.Usage, "--plain needs a password: in the environment as %s, or in the file of --plain-password-file", PasswordVariable)
	}
	return zmq.PlainClient{Username: s.Plain, Password: password}, nil
}

func (s Security) plainServer() (spry.Security, error) {
	f, err := os.Open(s.PlainServer)
	if err != nil {
		return nil, fmt.Errorf("--plain-server: %w", err)
	}
	defer f.Close()
	passwords := map[string]string{}
	lines := bufio.NewScanner(f)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSuffix(lines.Text(), "\r")
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		name, password, found := strings.Cut(text, "=")
		if !found || name == "" {
			return nil, fmt.Errorf("--plain-server %s: line %d is not of the form NAME=PASSWORD", s.PlainServer, number)
		}
		passwords[name] = password
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--plain-server %s: %w", s.PlainServer, err)
	}
	if len(passwords) == 0 {
		return nil, fmt.Errorf("--plain-server %s: it has no NAME=PASSWORD line, so every client would be refused", s.PlainServer)
	}
	return zmq.PlainServer{Check: zmq.AllowPasswords(passwords)}, nil
}

// SPDX-License-Identifier: MIT

package tools_test

import (
	"strings"
	"testing"

	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// TestSocketActivation has systemd open the socket of a receiver, which starts when somebody connects, and nngcat send to it.
func TestSocketActivation(t *testing.T) {
	activate := peer.Find(t, "systemd-socket-activate", "systemd")
	nngcat := peer.Find(t, "nngcat", "nng-utils")
	spry := kit.Builder.Command(t, kit.CommandFolder)
	for name, c := range map[string]struct {
		transport string
		options   []string
		url       string
	}{
		"a name, tcp":        {"tcp", []string{"--fdname=jobs"}, "fd://jobs"},
		"a name, ipc":        {"ipc", []string{"--fdname=jobs"}, "fd://jobs"},
		"a number":           {"tcp", nil, "fd://3"},
		"a connection, tcp":  {"tcp", []string{"--accept"}, "fd://3"},
		"a connection, ipc":  {"ipc", []string{"--accept"}, "fd://3"},
		"a dialect, by name": {"tcp", []string{"--fdname=jobs"}, "sp+fd://jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := kit.NewAddress(t, c.transport, false)
			_, at, _ := strings.Cut(a.URL, "://")
			args := append(append([]string{"--listen=" + at}, c.options...), spry, "pull", "--listen", c.url, "--count", "1")
			service := peer.Start(t, activate, args...)
			peer.WaitListening(t, a.URL)
			peer.Start(t, nngcat, "--push", "--dial", a.URL, "--data", "a job", "--delay", "1").Wait()
			service.WaitLine("a job")
		})
	}
}

// TestLayersOverDescriptors has TLS over a socket that systemd opened.
func TestLayersOverDescriptors(t *testing.T) {
	activate := peer.Find(t, "systemd-socket-activate", "systemd")
	spry := kit.Builder.Command(t, kit.CommandFolder)
	own := kit.Certificates(t)
	a := kit.NewAddress(t, "tcp", false)
	_, at, _ := strings.Cut(a.URL, "://")
	service := peer.Start(t, activate, "--listen="+at, spry, "pull", "--listen", "tls+fd://3", "--count", "1",
		"--cert", own.Server.CertFile, "--key", own.Server.KeyFile)
	peer.WaitListening(t, a.URL)
	_, port, _ := strings.Cut(at, ":")
	peer.Start(t, spry, "push", "--dial", "tls+tcp://localhost:"+port, "--cacert", own.AuthorityFile, "--data", "a job").Wait()
	service.WaitLine("a job")
}

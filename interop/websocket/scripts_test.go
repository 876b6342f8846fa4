// SPDX-License-Identifier: MIT

package websocket_test

import (
	"fmt"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A script is an [echoer] in another language. It prints a line "N closed STATUS" for each connection.
type script struct{ *peer.Process }

func (s script) closed(t *testing.T, n int) int {
	t.Helper()
	status := 0
	_, err := fmt.Sscanf(s.WaitLine(fmt.Sprintf("%d closed ", n)), "%d closed %d", &n, &status)
	testkit.Check(t, err)
	return status
}

// scriptArgs are HOW URL SUBPROTOCOL, and for TLS the files of the authority, of the certificate and of its key.
func scriptArgs(a kit.Address) []string {
	args := []string{a.How(), a.URL, subprotocol}
	if a.TLS != nil {
		args = append(args, a.TLS.AuthorityFile, a.TLS.Server.CertFile, a.TLS.Server.KeyFile)
	}
	return args
}

func startNode(t *testing.T, a kit.Address) echoer {
	t.Helper()
	modules := kit.Builder.NodeModules(t, kit.NodeFolder+"/ws")
	p := peer.Start(t, "node", append([]string{kit.NodeFolder + "/wsecho.js", modules}, scriptArgs(a)...)...)
	p.WaitLine("ready")
	return script{p}
}

func startPython(t *testing.T, a kit.Address) echoer {
	t.Helper()
	p := peer.Python(t, "websockets", "python3-websockets", append([]string{kit.PythonFolder + "/wsecho.py"}, scriptArgs(a)...)...)
	p.WaitLine("ready")
	return script{p}
}

// SPDX-License-Identifier: MIT

// Package fips tests processes that allow only algorithms approved by FIPS 140.
package fips

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
	"github.com/sprymq/spry/zmq"
)

// only is the mode that these tests are about. A process cannot enter it later than at its start.
const only = "GODEBUG=fips140=only"

func TestMain(m *testing.M) {
	if fips140.Enforced() {
		os.Exit(m.Run())
	}
	again := exec.Command(os.Args[0], os.Args[1:]...) //nolint:gosec // this program, as the go command has started it
	again.Env = append(os.Environ(), only)
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	if err := again.Run(); err != nil {
		fmt.Println("tests with "+only+":", err)
		os.Exit(1)
	}
}

// TestTLS has requests answered over TLS in both dialects. WebSocket, with TLS and without it, hashes a key with SHA-1, which is
// no security function.
func TestTLS(t *testing.T) {
	options := spry.Options{Transports: []transport.Transport{tlstcp.Transport{}, ws.Transport{}}}
	for _, scheme := range []string{"tls+tcp", "zmtp+tls+tcp", "ws", "wss", "zmtp+wss"} {
		t.Run(scheme, func(t *testing.T) {
			req, rep := spry.NewReq(&spry.ReqOptions{Options: options}), spry.NewRep(&spry.RepOptions{Options: options})
			defer testkit.CloseAll(t, req, rep)
			testkit.DialTo(t, req, testkit.ListenOn(t, rep, scheme))
			go func() { _ = rep.Serve(t.Context(), 1, spry.HandlerFunc(echo)) }()
			reply, err := req.Do(t.Context(), []byte("question"))
			testkit.Check(t, err)
			if got := string(reply); got != "question" {
				t.Errorf("the reply is %q", got)
			}
		})
	}
}

func echo(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }

func TestCurveIsRefused(t *testing.T) {
	if _, _, err := zmq.GenerateKeys(); !errors.Is(err, zmq.ErrFIPS) {
		t.Errorf("GenerateKeys returns %v", err)
	}
	for _, security := range []spry.Security{
		zmq.CurveServer{},
		zmq.CurveServer{Secret: zmq.SecretKey{1}},
		zmq.CurveClient{},
		zmq.CurveClient{Server: zmq.PublicKey{1}},
	} {
		s := zmq.NewClient(&zmq.Options{Security: security})
		_, err := s.Listen(t.Context(), "tcp://127.0.0.1:0")
		if !errors.Is(err, zmq.ErrFIPS) || !errors.Is(err, spry.ErrConfig) {
			t.Errorf("%v: Listen returns %v", security, err)
		}
		testkit.Check(t, s.Close())
	}
}

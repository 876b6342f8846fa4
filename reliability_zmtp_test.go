// SPDX-License-Identifier: MIT

package spry_test

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
)

// The parts of docs/wire/vectors/zmtp.json that say what a PULL socket refuses.
type zmtpVectors struct {
	Handshakes []struct {
		Name, Local, Security, Receive, Reason string
		Listening                              bool
	}
	Malformed []struct {
		Name, Local, Security, Stream, Reason string
		MaxMessage                            int64 `json:"max_message"`
		MaxFrames                             int   `json:"max_frames"`
	}
}

// T03 for ZeroMQ: peers that break ZMTP, in their handshakes and after, are each refused for their reason by a listener
// that serves both families, while good clients of both lose nothing.
func TestT03MalformedZeroMQPeers(t *testing.T) {
	leak.Check(t)
	ctx := watchdog(t)
	file, err := os.ReadFile("docs/wire/vectors/zmtp.json")
	check(t, err)
	var v zmtpVectors
	check(t, json.Unmarshal(file, &v))
	pull := spry.NewPull(nil)
	e := listenOn(t, pull, "tcp")
	older, newer := spry.NewPush(nil), spry.NewPush(nil)
	dialTo(t, older, e)
	_, err = newer.Dial(ctx, "zmtp+"+e.URL())
	check(t, err)
	good := 0
	both := func() {
		for _, s := range []*spry.Push{older, newer} {
			check(t, s.Send(ctx, []byte("good")))
			good++
		}
	}
	refused := 0
	bad := func(name, reason string, bytes ...string) {
		t.Helper()
		both()
		before := sum(pull.Stats().Rejected)
		byReason := pull.Stats().Rejected[reason]
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.Addr().String())
		check(t, err)
		defer c.Close()
		for _, b := range bytes {
			said, err := hex.DecodeString(b)
			check(t, err)
			_, _ = c.Write(said) // which the listener may have closed already
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, c) // until the listener closes
		eventually(t, name+" is counted", func() bool { return sum(pull.Stats().Rejected) == before+1 })
		if pull.Stats().Rejected[reason] != byReason+1 {
			t.Errorf("%s: counted %v, want %s", name, pull.Stats().Rejected, reason)
		}
		refused++
	}
	for _, h := range v.Handshakes {
		if h.Local != "PULL" || !h.Listening || h.Security != "" || h.Reason == "" || !strings.HasPrefix(h.Receive, "ff") {
			continue // of other sockets, of the end that dials, sealed, good, or another family
		}
		bad(h.Name, h.Reason, h.Receive)
	}
	for _, m := range v.Malformed {
		if m.Local != "PULL" || m.Security != "" || m.MaxMessage != 0 || m.MaxFrames != 0 {
			continue
		}
		bad(m.Name, m.Reason, hex.EncodeToString([]byte(zmtpPush)), m.Stream)
	}
	both()
	for n, others := 0, 0; n < good; {
		m, err := pull.RecvMsg(ctx)
		check(t, err)
		if string(m.Bytes()) == "good" {
			n++
		} else if others++; others > refused {
			t.Fatalf("received %q", m.Bytes())
		}
	}
	t.Logf("T03: %d malformed ZeroMQ peers, each under its reason; %d messages of good clients, none lost", refused, good)
	if refused < 20 {
		t.Error("there were fewer than that")
	}
	shut(t, older, newer, pull)
}

// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"fmt"
	"io"

	"storj.io/drpc"
	"storj.io/drpc/drpcconn"
	"storj.io/drpc/drpcserver"

	"github.com/sprymq/spry/bench/internal/worker"
)

// drpcPeer is storj's DRPC. A connection carries one call at a time, so that callers cannot share one.
func drpcPeer() worker.Peer {
	return worker.Peer{
		Serve: drpcServe,
		Ask:   func(s worker.Settings) (worker.Asker, error) { return newCallAsker(s, drpcDial) },
		Callers: func(s worker.Settings) ([]worker.Asker, error) {
			if s.Shape != "conns" {
				return nil, worker.ErrNotApplicable
			}
			return callAskers(s, drpcDial)
		},
	}
}

// rawEncoding is rawCodec for DRPC.
type rawEncoding struct{ rawCodec }

func (e rawEncoding) Marshal(m drpc.Message) ([]byte, error) { return e.rawCodec.Marshal(m) }

func (e rawEncoding) Unmarshal(data []byte, m drpc.Message) error {
	return e.rawCodec.Unmarshal(data, m)
}

type drpcEcho struct{}

func (drpcEcho) HandleRPC(stream drpc.Stream, _ string) error {
	var body []byte
	if err := stream.MsgRecv(&body, rawEncoding{}); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	return stream.MsgSend(&body, rawEncoding{})
}

func drpcServe(s worker.Settings) (io.Closer, error) {
	l, err := rawListener(s.URL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = drpcserver.New(drpcEcho{}).Serve(ctx, l) }() // returns when ctx ends
	return closeFunc(cancel), nil
}

func drpcDial(s worker.Settings) (caller, error) {
	raw, err := rawDialConn(s.URL)
	if err != nil {
		return caller{}, err
	}
	conn := drpcconn.New(raw)
	return caller{
		call: func(ctx context.Context, in, out *[]byte) error {
			return conn.Invoke(ctx, grpcMethod, rawEncoding{}, in, out)
		},
		Closer: conn,
	}, nil
}

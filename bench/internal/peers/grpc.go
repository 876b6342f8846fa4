// SPDX-License-Identifier: MIT

package peers

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/sprymq/spry/bench/internal/worker"
)

// grpcPeer is grpc-go with bodies that are passed as they are, so that it need not encode them.
func grpcPeer() worker.Peer {
	return worker.Peer{
		Serve:   grpcServe,
		Ask:     func(s worker.Settings) (worker.Asker, error) { return newCallAsker(s, grpcDial) },
		Callers: func(s worker.Settings) ([]worker.Asker, error) { return callAskers(s, grpcDial) },
	}
}

const grpcMethod = "/bench.Echo/Echo"

// A rawCodec passes bodies as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "raw" }

func (rawCodec) Marshal(v any) ([]byte, error) {
	body, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("%T is not a body", v)
	}
	return *body, nil
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	body, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("%T is not a body", v)
	}
	*body = append((*body)[:0], data...)
	return nil
}

var grpcService = grpc.ServiceDesc{
	ServiceName: "bench.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Echo",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var body []byte
			err := decode(&body)
			return &body, err
		},
	}},
}

func grpcServe(s worker.Settings) (io.Closer, error) {
	l, err := rawListener(s.URL)
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(rawCodec{}))
	server.RegisterService(&grpcService, struct{}{})
	go func() { _ = server.Serve(l) }() // returns when it is stopped
	return closeFunc(server.Stop), nil
}

type closeFunc func()

func (f closeFunc) Close() error {
	f()
	return nil
}

func grpcDial(s worker.Settings) (caller, error) {
	network, address, err := rawAddress(s.URL)
	if err != nil {
		return caller{}, err
	}
	if network == "unix" {
		address = "unix:" + address
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})))
	if err != nil {
		return caller{}, err
	}
	return caller{
		call:   func(ctx context.Context, in, out *[]byte) error { return conn.Invoke(ctx, grpcMethod, in, out) },
		Closer: conn,
	}, nil
}

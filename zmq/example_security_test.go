// SPDX-License-Identifier: MIT

package zmq_test

import (
	"context"
	"fmt"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

// A server and a client that know each other by their keys. What they say is encrypted.
func ExampleCurveServer() {
	serverKey, serverSecret, _ := zmq.GenerateKeys()
	clientKey, clientSecret, _ := zmq.GenerateKeys()

	pull := zmq.NewPull(&zmq.PullOptions{Options: zmq.Options{
		Security: zmq.CurveServer{Secret: serverSecret, Check: zmq.AllowKeys(clientKey)},
	}})
	defer pull.Close()
	ctx := context.Background()
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}

	push := zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{
		Security: zmq.CurveClient{Secret: clientSecret, Server: serverKey},
	}})
	defer push.Close()
	if _, err := push.Dial(ctx, e.URL()); err != nil {
		fmt.Println(err)
		return
	}
	_ = push.Send(ctx, []byte("for your eyes only"))

	m, err := pull.RecvMsg(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, and it is the client: %t\n", m.Bytes(), m.Pipe().Metadata()["User-Id"] == clientKey.String())
	// Output: for your eyes only, and it is the client: true
}

// An authenticator may be any function.
func ExampleAuthenticator() {
	check := func(_ context.Context, c zmq.Credentials) (user string, err error) {
		if c.Username != "ada" || c.Password != "engine" {
			return "", zmq.ErrDenied
		}
		return "Ada Lovelace", nil
	}
	rep := zmq.NewRep(&zmq.RepOptions{Options: zmq.Options{Security: zmq.PlainServer{Check: check}}})
	defer rep.Close()
	ctx := context.Background()
	e, err := rep.Listen(ctx, "tcp://127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	stranger := zmq.NewReq(&zmq.ReqOptions{Options: zmq.Options{Security: zmq.PlainClient{Username: "ada", Password: "?"}}})
	defer stranger.Close()
	_, err = stranger.Dial(ctx, e.URL())
	fmt.Println("let in:", err == nil)
	// Output: let in: false
}

// A handler of ZAP, as programs for libzmq have it, answers for a socket of this package, and the other way round.
func ExampleZAP() {
	ctx := context.Background()
	handler := zmq.NewRep(nil)
	defer handler.Close()
	if _, err := handler.Listen(ctx, "inproc://zeromq.zap.01"); err != nil {
		fmt.Println(err)
		return
	}
	check := zmq.AllowPasswords(map[string]string{"ada": "engine"})
	go func() {
		_ = handler.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
			var request [][]byte
			for _, frame := range r.Message().Frames() {
				request = append(request, frame)
			}
			_ = r.ReplyMsg(ctx, zmq.NewMessage(zmq.HandleZAP(ctx, check, request)...))
		}))
	}()

	req := zmq.NewReq(nil)
	defer req.Close()
	if _, err := req.Dial(ctx, "inproc://zeromq.zap.01"); err != nil {
		fmt.Println(err)
		return
	}
	ask := zmq.ZAP(func(ctx context.Context, request [][]byte) ([][]byte, error) { return req.Do(ctx, request...) }, "global")
	user, err := ask(ctx, zmq.Credentials{Mechanism: "PLAIN", Username: "ada", Password: "engine"})
	fmt.Println(user, err)
	// Output: ada <nil>
}

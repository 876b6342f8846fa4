// SPDX-License-Identifier: MIT

package ipc_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sprymq/spry"
)

// All sockets have the transport, unless their options name others. Here only processes of the same user and group may connect.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	rep, req := spry.NewRep(nil), spry.NewReq(nil)
	defer rep.Close()
	defer req.Close()

	url := "ipc://" + filepath.Join(dir, "control.sock")
	if _, err := rep.ListenWith(ctx, &spry.ListenConfig{URL: url, Permissions: fs.FileMode(0o660)}); err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		_ = rep.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, []byte("running")) }))
	}()
	if _, err := req.Dial(ctx, url); err != nil {
		fmt.Println(err)
		return
	}
	state, err := req.Do(ctx, []byte("state?"))
	fmt.Println(string(state), err)
	// Output: running <nil>
}

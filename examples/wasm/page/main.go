// SPDX-License-Identifier: MIT

//go:build js

// Command page shows what a server publishes. It is compiled to WebAssembly, and runs in a page.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall/js"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

func main() {
	sub := spry.NewSub(&spry.SubOptions{Options: spry.Options{Transports: []transport.Transport{ws.Transport{}}}})
	location := js.Global().Get("location")
	if _, err := sub.Connect(strings.Replace(location.Get("origin").String(), "http", "ws", 1) + "/feed"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	sub.Subscribe("time ")
	out := js.Global().Get("document").Call("querySelector", "output")
	for body, err := range sub.Bodies(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		out.Set("textContent", strings.TrimPrefix(string(body), "time "))
	}
}

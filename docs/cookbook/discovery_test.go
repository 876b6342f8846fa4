// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sprymq/spry"
)

// An offer is what a service says of itself.
type offer struct{ Name, URL string }

// offering serves under a name, and answers surveys of the registry.
func offering(ctx context.Context, registry, name string) (stop func()) {
	rep, respondent := spry.NewRep(nil), spry.NewRespondent(nil)
	e, err := rep.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	go rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		_ = r.Reply(ctx, []byte("this is "+name))
	}))
	_, err = respondent.Connect(registry)
	check(err)
	go respondent.Serve(ctx, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		if string(r.Bytes()) != name {
			r.Discard() // not this service
			return
		}
		body, err := json.Marshal(offer{name, e.URL()})
		check(err)
		_ = r.Reply(ctx, body)
	}))
	return func() {
		_ = respondent.Close()
		_ = rep.Close()
	}
}

func Example_discovery() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	registry := spry.NewSurveyor(&spry.SurveyorOptions{Deadline: 30 * time.Second})
	defer registry.Close()
	known, err := registry.Listen(ctx, "tcp://127.0.0.1:0") // the one address that all know
	check(err)
	for _, name := range []string{"billing", "search", "search"} {
		defer offering(ctx, known.URL(), name)()
	}
	check(registry.WaitPipes(ctx, 3))

	var urls []string
	for answer, err := range registry.Survey(ctx, []byte("search")) {
		check(err)
		var found offer
		check(json.Unmarshal(answer.Bytes(), &found))
		if urls = append(urls, found.URL); len(urls) == 2 {
			break // enough; otherwise, the deadline ends the loop
		}
	}
	slices.Sort(urls)
	req := spry.NewReq(nil)
	defer req.Close()
	for _, url := range urls {
		_, err := req.Dial(ctx, url)
		check(err)
	}
	reply, err := req.Do(ctx, []byte("who is it?"))
	check(err)
	fmt.Printf("%d of them; %s\n", len(slices.Compact(urls)), reply)
	// Output: 2 of them; this is search
}

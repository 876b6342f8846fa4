// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
)

func Example_metrics() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	mux := http.NewServeMux() // of the program's HTTP server
	mux.Handle("/spry/", http.StripPrefix("/spry", observe.Handler(nil)))
	server := httptest.NewServer(mux)
	defer server.Close()

	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Name: "invoices"}})
	defer push.Close()
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Name: "printer"}})
	defer pull.Close()
	e, err := pull.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	_, err = push.Dial(ctx, e.URL())
	check(err)
	for range 3 {
		check(push.Send(ctx, []byte("an invoice")))
		_, err := pull.Recv(ctx)
		check(err)
	}
	check(push.Flush(ctx)) // what was sent is counted

	scrape, err := http.Get(server.URL + "/spry/metrics") // as Prometheus does
	check(err)
	defer scrape.Body.Close()
	for lines := bufio.NewScanner(scrape.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(name, "spry_sent_messages") && strings.Contains(name, `name="invoices"`) ||
			strings.HasPrefix(name, "spry_delivered_messages") && strings.Contains(name, `name="printer"`) {
			metric, _, _ := strings.Cut(name, "{")
			fmt.Println(metric, value)
		}
	}
	// Output:
	// spry_sent_messages_total 3
	// spry_delivered_messages_total 3
}

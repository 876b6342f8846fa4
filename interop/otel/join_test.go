// SPDX-License-Identifier: MIT

package otel_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A receiver of OTLP keeps the spans that programs export to it.
type receiver struct {
	t     *testing.T
	mu    sync.Mutex
	spans []*exported
}

type exported struct {
	service string
	*tracepb.Span
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	testkit.Check(r.t, err)
	var in collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &in); err != nil || q.URL.Path != "/v1/traces" {
		r.t.Errorf("%s: %v", q.URL, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range in.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, &exported{attributeOf(resource.GetResource().GetAttributes(), "service.name"), s})
			}
		}
	}
	out, err := proto.Marshal(new(collector.ExportTraceServiceResponse))
	testkit.Check(r.t, err)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
}

func attributeOf(all []*common.KeyValue, key string) string {
	for _, a := range all {
		if a.GetKey() == key {
			return a.GetValue().GetStringValue()
		}
	}
	return ""
}

// find returns the only span of a service with this name and parent.
func (r *receiver) find(service, name string, parent *exported) *exported {
	r.t.Helper()
	var found []*exported
	for _, s := range r.spans {
		if s.service == service && s.GetName() == name && (parent == nil && len(s.GetParentSpanId()) == 0 ||
			parent != nil && string(s.GetParentSpanId()) == string(parent.GetSpanId())) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		r.t.Fatalf("%d spans %q of the %s have the parent %v; all are:\n%s", len(found), name, service, parent, r)
	}
	return found[0]
}

func (r *receiver) String() string {
	var b strings.Builder
	for _, s := range r.spans {
		b.WriteString(strings.Join([]string{
			s.service, s.GetName(), s.GetKind().String(), "trace", hex.EncodeToString(s.GetTraceId()),
			"span", hex.EncodeToString(s.GetSpanId()), "parent", hex.EncodeToString(s.GetParentSpanId()),
		}, " ") + "\n")
	}
	return b.String()
}

// A request of one process goes to another by the Scalability Protocols, and on to a third as a job by ZeroMQ's: one trace. A program
// that knows no envelopes is served beside.
func TestTracesJoin(t *testing.T) {
	r := &receiver{t: t}
	at := httptest.NewServer(r)
	defer at.Close()
	address := strings.TrimPrefix(at.URL, "http://")
	self, err := os.Executable()
	testkit.Check(t, err)
	jobs := peer.Start(t, self, "as", "sink", address)
	orders := peer.Start(t, self, "as", "server", address, urlOf(jobs))
	url := urlOf(orders)

	asker := peer.Start(t, self, "as", "requester", address, url)
	if reply := asker.WaitLine("reply "); reply != "reply an order" {
		t.Errorf("the requester printed %q", reply)
	}
	asker.Wait()
	if job := jobs.WaitLine("job an order"); job != "job an order 1" {
		t.Errorf("the sink printed %q", job)
	}
	stranger := peer.Start(t, peer.Find(t, "nngcat", "nng-utils"), "--req0", "--dial", url, "--data", "a stranger's", "--ascii")
	if out := stranger.Wait(); strings.TrimSpace(out) != "a stranger's" {
		t.Errorf("nngcat printed %q", out)
	}
	if job := jobs.WaitLine("job a stranger's"); job != "job a stranger's 1" {
		t.Errorf("the sink printed %q", job)
	}
	for _, p := range []*peer.Process{orders, jobs} {
		p.WriteLine("end")
		p.Wait()
	}

	request := r.find("requester", "send orders", nil)
	received := r.find("server", "receive orders", request)
	handled := r.find("server", "process orders", received)
	job := r.find("server", "send jobs", handled)
	r.find("server", "send orders", handled) // the reply
	done := r.find("sink", "receive jobs", job)
	for _, s := range []*exported{received, handled, job, done} {
		if string(s.GetTraceId()) != string(request.GetTraceId()) {
			t.Errorf("%s of the %s is of another trace:\n%s", s.GetName(), s.service, r)
		}
	}
	for s, kind := range map[*exported]tracepb.Span_SpanKind{
		request: tracepb.Span_SPAN_KIND_CLIENT, received: tracepb.Span_SPAN_KIND_CONSUMER, handled: tracepb.Span_SPAN_KIND_CONSUMER,
		job: tracepb.Span_SPAN_KIND_PRODUCER, done: tracepb.Span_SPAN_KIND_CONSUMER,
	} {
		if s.GetKind() != kind || attributeOf(s.GetAttributes(), "messaging.system") != "spry" {
			t.Errorf("%s of the %s: %v %v", s.GetName(), s.service, s.GetKind(), s.GetAttributes())
		}
	}
	if request.GetEndTimeUnixNano() < handled.GetStartTimeUnixNano() {
		t.Error("the request's span ends before the handler's begins")
	}
	foreign := r.find("server", "receive orders", nil) // which begins a trace of its own
	if string(foreign.GetTraceId()) == string(request.GetTraceId()) {
		t.Errorf("the stranger's request is in the trace of another:\n%s", r)
	}
	r.find("sink", "receive jobs", r.find("server", "send jobs", r.find("server", "process orders", foreign)))
	if len(r.spans) != 11 {
		t.Errorf("there are %d spans:\n%s", len(r.spans), r)
	}
}

func urlOf(p *peer.Process) string { return strings.TrimPrefix(p.WaitLine("url "), "url ") }

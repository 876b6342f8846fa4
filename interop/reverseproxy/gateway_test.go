// SPDX-License-Identifier: MIT

package reverseproxy_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// curlArgs are those of curl for a URL of the site.
func (x *proxy) curlArgs(t *testing.T, path string, args ...string) []string {
	t.Helper()
	return append([]string{
		"--silent", "--show-error", "--no-buffer", "--noproxy", "*", "--cacert", kit.Certificates(t).AuthorityFile,
		"--connect-to", x.host() + ":" + x.front, x.origin() + path,
	}, args...)
}

// curl starts curl.
func (x *proxy) curl(t *testing.T, path string, args ...string) *peer.Process {
	t.Helper()
	return peer.Start(t, peer.Find(t, "curl", "curl"), x.curlArgs(t, path, args...)...)
}

// behind joins a socket of the gateway to one behind it, and closes both when the test ends.
func behind(t *testing.T, gatewaySocket, other kit.Socket) {
	t.Helper()
	a := kit.NewAddress(t, "ipc", true)
	kit.Attach(t, other, a)
	a.SpryListens = false
	kit.Attach(t, gatewaySocket, a)
	kit.WaitPipes(t, gatewaySocket, 1)
}

// TestGateway posts by curl, with each version of HTTP: the answers and errors of the gateway get through as they are.
func TestGateway(t *testing.T) {
	eachProxy(t, "POST by curl", func(t *testing.T, x *proxy) {
		req := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
		behind(t, req, echoing(t))
		push := spry.NewPush(&spry.PushOptions{Options: kit.Options})
		pull := spry.NewPull(&spry.PullOptions{Options: kit.Options})
		behind(t, push, pull)
		surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: kit.Options})
		respondent := spry.NewRespondent(&spry.RespondentOptions{Options: kit.Options})
		behind(t, surveyor, respondent)
		go func() {
			_ = respondent.Serve(t.Context(), 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, []byte("me")) }))
		}()
		lonely := spry.NewReq(&spry.ReqOptions{Options: kit.Options})
		t.Cleanup(func() { _ = lonely.Close() })
		limits := x.limits()
		mux := http.NewServeMux()
		mux.Handle("/ask", gateway.Ask(req, &limits))
		mux.Handle("/send", gateway.Send(push, &limits))
		mux.Handle("/survey", gateway.Survey(surveyor, &limits))
		mux.Handle("/lonely", gateway.Ask(lonely, &limits))
		hasty := limits
		hasty.Rate, hasty.Burst = 1e-9, 1
		mux.Handle("/hasty", gateway.Ask(req, &hasty))
		x.serve(t, mux)

		small := limits
		small.MaxBody = 100_000
		mux.Handle("/small", gateway.Ask(req, &small))
		file := func(size int) string {
			return "@" + testcert.File(t, filepath.Join(filepath.Dir(x.config), fmt.Sprint(size)), make([]byte, size))
		}
		for _, version := range []string{"--http1.1", "--http2"} {
			if got := x.curl(t, "/ask", version, "--data-binary", "2+2").Wait(); got != "2+2" {
				t.Errorf("%s: the reply is %q", version, got)
			}
			if got := x.curl(t, "/send", version, "--data-binary", "a job", "--write-out", "%{http_code}").Wait(); got != "202" {
				t.Errorf("%s: a message is answered by %q", version, got)
			}
			kit.Same(t, "the message behind the gateway", kit.Must[[]byte](t)(pull.Recv(kit.Watched(t))), []byte("a job"))

			// The answer comes while the survey is open: nothing keeps it until its end.
			survey := x.curl(t, "/survey", version, "--data-binary", "who", "--header", "Spry-Timeout: 60s")
			if got := survey.WaitLine("{"); got != `{"body":"me"}` {
				t.Errorf("%s: an answer is %q", version, got)
			}
			survey.Reap()

			x.expectProblem(t, 413, "/small", version, "--data-binary", file(150_000))
			if got := x.curl(t, "/ask", version, "--data-binary", file(1_100_000), "--write-out", "%{http_code}", "--output", os.DevNull); x.name == "nginx" && got.Wait() != "413" {
				t.Errorf("%s: nginx passes a body above its limit on", version)
			}
			x.expectProblem(t, 503, "/lonely", version, "--data-binary", "hello", "--header", "Spry-Timeout: 10ms")
			x.expectProblem(t, 403, "/ask", version, "--data-binary", "hello", "--header", "Origin: https://evil.test")
			x.expectProblem(t, 405, "/ask", version)
		}
		// A client cannot name itself: the second request is of the same one.
		if got := x.curl(t, "/hasty", "--data-binary", "1", "--header", "X-Forwarded-For: 192.0.2.1").Wait(); got != "1" {
			t.Errorf("the first request is answered by %q", got)
		}
		x.expectProblem(t, 429, "/hasty", "--data-binary", "2", "--header", "X-Forwarded-For: 192.0.2.2")
	})
}

// expectProblem has curl get an error of the gateway, with the id of the request.
func (x *proxy) expectProblem(t *testing.T, status int, path string, args ...string) {
	t.Helper()
	got := x.curl(t, path, append(args, "--header", "X-Request-Id: mine", "--write-out", "\n%{http_code} %{content_type}")...).Wait()
	problem, end, _ := strings.Cut(got, "\n")
	if want := fmt.Sprint(status, " application/problem+json"); end != want || !strings.Contains(problem, `"request_id":"mine"`) {
		t.Errorf("%s %s: the answer is %q, %q; not %s", path, args, problem, end, want)
	}
}

// SPDX-License-Identifier: MIT

package gateway_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A dialect is a way in which curl speaks HTTP.
type dialect struct {
	name    string
	secure  bool
	args    []string
	version string // that is spoken then
}

var dialects = []dialect{
	{"HTTP/1.1", false, []string{"--http1.1"}, "1.1"},
	{"HTTP/1.1 with TLS", true, []string{"--http1.1"}, "1.1"},
	{"an upgrade to h2c, which is refused", false, []string{"--http2"}, "1.1"}, // RFC 9113 has removed it
	{"h2", true, []string{"--http2"}, "2"},
	{"h2c", false, []string{"--http2-prior-knowledge"}, "2"},
}

// eachDialect runs a test with every dialect, and returns when all have ended.
func eachDialect(t *testing.T, what string, test func(t *testing.T, d dialect)) {
	t.Helper()
	t.Run("curl", func(t *testing.T) {
		for _, d := range dialects {
			t.Run(strings.NewReplacer(" ", "_", "/", "").Replace(d.name), func(t *testing.T) {
				kit.Results.Track(t, kit.Row("curl", what, d.name, "it dials"), kit.Library)
				t.Parallel()
				test(t, d)
			})
		}
	})
}

// curl starts curl. Standard output has what it receives, as it comes.
func (s *site) curl(t *testing.T, d dialect, path string, args ...string) *peer.Process {
	t.Helper()
	base := s.plain
	if d.secure {
		base = s.secure
	}
	all := append([]string{"--silent", "--show-error", "--no-buffer", "--noproxy", "*", "--cacert", kit.Certificates(t).AuthorityFile, base + path}, d.args...)
	return peer.Start(t, peer.Find(t, "curl", "curl"), append(all, args...)...)
}

// status is what curl says at the end.
const status = "\n%{http_code} %{http_version}"

func TestCurlAsks(t *testing.T) {
	s := newSite(t)
	eachDialect(t, "POST to Req", func(t *testing.T, d dialect) {
		for _, size := range kit.Sizes {
			body := kit.Body(size, 3)
			got := s.curl(t, d, "/ask", "--data-binary", "@"+kit.BodyFile(t, body), "--write-out", status).Wait()
			kit.Same(t, "curl received", []byte(got), append(body, "\n200 "+d.version...))
		}
		refused := map[string][]string{
			"405": {"--request", "PUT"},
			"400": {"--data-binary", "x", "--header", "Spry-Timeout: soon"},
			"403": {"--request", "POST", "--header", "Origin: https://example.com"},
		}
		if d.version == "1.1" { // with HTTP/2, curl 7.88 loses answers that come before it has sent the body: TestFloodOfLargeRequests has them
			refused["413"] = []string{"--data-binary", "@" + kit.BodyFile(t, make([]byte, 1<<20+1))}
		}
		for want, args := range refused {
			got := s.curl(t, d, "/ask", append(args, "--write-out", "\n%{http_code} %{content_type}")...).Wait()
			if problem, end, _ := strings.Cut(got, "\n"); end != want+" application/problem+json" || !strings.Contains(problem, `"status":`+want) {
				t.Errorf("%q instead of %s", got, want)
			}
		}
	})
	answers, n := addsUp(t, s.ask), uint64(len(dialects))
	if want := map[int]uint64{200: 3 * n, 405: n, 413: 3, 400: n, 403: n}; !maps.Equal(answers, want) {
		t.Errorf("answers: %v, not %v", answers, want)
	}
}

// addsUp waits until a handler has nothing to do, and checks that every request is counted by its answer. It returns the answers.
func addsUp(t *testing.T, h *gateway.Handler) map[int]uint64 {
	t.Helper()
	kit.WaitFor(t, func() bool { return h.Stats().Open == 0 })
	sum, stats := uint64(0), h.Stats()
	for _, n := range stats.Answers {
		sum += n
	}
	if sum != stats.Requests {
		t.Errorf("the counters do not add up: %+v", stats)
	}
	return stats.Answers
}

func TestCurlSends(t *testing.T) {
	s := newSite(t)
	sent := map[string]bool{}
	for i := range 20 {
		for _, d := range dialects {
			body := fmt.Sprint("message ", i, " by ", d.name)
			if got := s.curl(t, d, "/send", "--data-binary", body, "--write-out", status).Wait(); got != "\n202 "+d.version {
				t.Fatalf("%s is answered by %q", body, got)
			}
			sent[body] = true
		}
	}
	for range len(sent) {
		got := string(kit.Must[[]byte](t)(s.pull.Recv(kit.Watched(t))))
		if !sent[got] {
			t.Errorf("%q arrives, or arrives twice", got)
		}
		delete(sent, got)
	}
	if n := addsUp(t, s.send)[http.StatusAccepted]; n != s.pull.Stats().Recv.Arrived {
		t.Errorf("%d are accepted, and %d arrive", n, s.pull.Stats().Recv.Arrived)
	}
}

// TestCurlSurveys has the second answer given only when curl has printed the first.
func TestCurlSurveys(t *testing.T) {
	eachDialect(t, "POST to Surveyor", func(t *testing.T, d dialect) {
		s := newSite(t)
		p := s.curl(t, d, "/survey", "--data-binary", "who")
		if got := p.NextLine(); got != `{"body":"first"}` {
			t.Fatalf("the first answer is %q", got)
		}
		s.answer <- struct{}{}
		if got := p.NextLine(); got != `{"body":"second"}` {
			t.Fatalf("the second answer is %q", got)
		}
		p.Reap()
		// The end of a survey is the end of the answer, whoever has answered until then.
		got := s.curl(t, d, "/survey", "--data-binary", "who", "--header", "Spry-Timeout: 100ms", "--write-out", status+" %{content_type}").Wait()
		lines := strings.Split(got, "\n")
		if end := lines[len(lines)-1]; end != "200 "+d.version+" application/x-ndjson" {
			t.Errorf("the survey ends with %q", end)
		}
		for _, line := range lines[:len(lines)-1] {
			if line != "" && line != `{"body":"first"}` {
				t.Errorf("an answer is %q", line)
			}
		}
		addsUp(t, s.survey)
	})
}

// TestCurlReadsEvents has each event published when curl has printed the one before.
func TestCurlReadsEvents(t *testing.T) {
	eachDialect(t, "server-sent events", func(t *testing.T, d dialect) {
		s := newSite(t)
		publish := func(body string) { testkit.Check(t, s.pub.Send(kit.Watched(t), []byte(body))) }
		live := s.curl(t, d, "/events")
		expectLines(t, live, "retry: 1000")
		epoch, ok := strings.CutPrefix(strings.TrimSuffix(live.NextLine(), "-0"), "id: ")
		if !ok {
			t.Fatal("the stream has no position")
		}
		expectLines(t, live, "")
		for i := 1; i <= 10; i++ {
			publish(fmt.Sprint("event ", i))
			expectLines(t, live, fmt.Sprintf("id: %s-%d", epoch, i), fmt.Sprintf(`data: {"body":"event %d"}`, i), "")
		}
		expectLines(t, s.curl(t, d, "/events", "--header", "Last-Event-ID: "+epoch+"-8"), "retry: 1000", "id: "+epoch+"-8", "",
			"id: "+epoch+"-9", `data: {"body":"event 9"}`, "", "id: "+epoch+"-10", `data: {"body":"event 10"}`, "")
		expectLines(t, s.curl(t, d, "/events?topic=event%2010&topic=event%202&from=oldest&format=text"), "retry: 1000", "id: "+epoch+"-0", "",
			"id: "+epoch+"-2", "data: event 2", "", "id: "+epoch+"-10", "data: event 10", "")
		expectLines(t, s.curl(t, d, "/events?last_event_id=another-7"), "retry: 1000", "id: "+epoch+"-0", "event: gap", fmt.Sprintf(`data: {"epoch":%q}`, epoch), "",
			"id: "+epoch+"-1", `data: {"body":"event 1"}`)
		publish("\xff\x00")
		expectLines(t, live, "id: "+epoch+"-11", `data: {"body_base64":"/wA="}`, "")
		testkit.Check(t, s.events.Close())
		live.Wait() // the end of the stream is no error
		addsUp(t, s.events.Handler)
	})
}

// expectLines checks what a process prints next.
func expectLines(t *testing.T, p *peer.Process, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if got := p.NextLine(); got != want {
			t.Fatalf("%s prints %q, not %q", p, got, want)
		}
	}
}

// TestCurlStreams has curl be a Req, whose bytes the test writes: both directions of a stream are open at the same time.
func TestCurlStreams(t *testing.T) {
	s := newSite(t)
	eachDialect(t, "Req over a stream", func(t *testing.T, d dialect) {
		p := s.curl(t, d, "/stream", "--upload-file", ".", "--request", "POST", "--header", "Content-Type: "+gateway.StreamType, "--write-out", status)
		if d.version != "2" {
			_ = p.Result() // the body has no end, and the server reads none of it
			return
		}
		const hello, reply = "\x00SP\x00\x00\x30\x00\x00", "\x00SP\x00\x00\x31\x00\x00"
		for i, greeting := range []string{hello, "", ""} {
			frame := fmt.Sprintf("\x00\x00\x00\x00\x00\x00\x00\x10\x80\x00\x00%cquestion %d ", 'a'+i, i) // 16 bytes with the end of the line
			p.WriteLine(greeting + frame)
			if i == 0 {
				greeting = reply
			}
			if got := p.NextLine(); got != greeting+frame {
				t.Fatalf("curl receives %q, not %q", got, greeting+frame)
			}
		}
		if got := p.Wait(); !strings.HasSuffix(got, "\n200 2") {
			t.Errorf("at the end of its direction, curl gets %q", got)
		}
	})
	answers := addsUp(t, s.stream)
	if answers[http.StatusHTTPVersionNotSupported] != 3 || answers[http.StatusOK] != 2 {
		t.Errorf("answers: %v", answers)
	}
}

// TestNghttpStreams has nghttp be a Push.
func TestNghttpStreams(t *testing.T) {
	kit.Results.Track(t, kit.Row("nghttp", "Push over a stream", "h2c", "it dials"), kit.Library)
	s := newSite(t)
	s.pushByNghttp(t, s.plain)
}

// pushByNghttp has nghttp send all at once, and end its direction. So its pipe ends when all has arrived, and so does the answer, which is the
// greeting of the Pull.
func (s *site) pushByNghttp(t *testing.T, base string) {
	t.Helper()
	const messages, size = 500, 1000
	bytes := []byte("\x00SP\x00\x00\x50\x00\x00")
	for i := range messages {
		bytes = append(binary.BigEndian.AppendUint64(bytes, size), kit.Numbered(size, i)...)
	}
	p := peer.Start(t, peer.Find(t, "nghttp", "nghttp2-client"), "--data="+kit.BodyFile(t, bytes), "--header=:method: POST",
		"--header=content-type: "+gateway.StreamType, base+"/stream/pull")
	for i := range messages {
		kit.Same(t, "Spry received", kit.Must[[]byte](t)(s.streamedPull.Recv(kit.Watched(t))), kit.Numbered(size, i))
	}
	kit.Same(t, "nghttp received", []byte(p.Wait()), []byte("\x00SP\x00\x00\x51\x00\x00"))
	if answers := addsUp(t, s.streamPull); !maps.Equal(answers, map[int]uint64{http.StatusOK: 1}) {
		t.Errorf("answers: %v", answers)
	}
}

// TestNghttp uses the other handlers.
func TestNghttp(t *testing.T) {
	s := newSite(t)
	nghttp := peer.Find(t, "nghttp", "nghttp2-client")
	for _, base := range []string{s.plain, s.secure} {
		t.Run(base[:strings.IndexByte(base, ':')], func(t *testing.T) {
			kit.Results.Track(t, kit.Row("nghttp", "POST, and server-sent events", base[:strings.IndexByte(base, ':')], "it dials"), kit.Library)
			run := func(path string, args ...string) *peer.Process {
				return peer.Start(t, nghttp, append(args, "--no-verify-peer", base+path)...)
			}
			for _, size := range kit.Sizes {
				body := kit.Body(size, 5)
				kit.Same(t, "nghttp received", []byte(run("/ask", "--data="+kit.BodyFile(t, body)).Wait()), body)
			}
			run("/send", "--data="+kit.BodyFile(t, []byte("job"))).Wait()
			kit.Same(t, "the message behind the gateway", kit.Must[[]byte](t)(s.pull.Recv(kit.Watched(t))), []byte("job"))
			s.answer <- struct{}{}
			for line := range strings.Lines(run("/survey", "--data="+kit.BodyFile(t, []byte("who")), "--header=spry-timeout: 300ms").Wait()) {
				if line != `{"body":"first"}`+"\n" && line != `{"body":"second"}`+"\n" {
					t.Errorf("an answer is %q", line)
				}
			}
			select { // the survey may have ended before
			case <-s.answer:
			default:
			}
		})
	}
	for _, h := range []*gateway.Handler{s.ask, s.send, s.survey} {
		addsUp(t, h)
	}
	// The events end at last, for both.
	var readers []*peer.Process
	for _, base := range []string{s.plain, s.secure} {
		readers = append(readers, peer.Start(t, nghttp, "--no-verify-peer", base+"/events"))
	}
	s.waitStreams(t, len(readers))
	const count = 100
	for i := range count {
		testkit.Check(t, s.pub.Send(kit.Watched(t), fmt.Append(nil, i)))
	}
	kit.WaitFor(t, func() bool { return s.events.Stats().Received == count })
	testkit.Check(t, s.events.Close())
	for _, p := range readers {
		if got := strings.Count(p.Wait(), "data: "); got != count {
			t.Errorf("%s gets %d events", filepath.Base(p.String()), got)
		}
	}
}

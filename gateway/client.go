// SPDX-License-Identifier: MIT

package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/sprymq/spry/internal/sse"
	"github.com/sprymq/spry/internal/textform"
)

// A Client is the client of the handlers [Ask], [Send], [Survey] and [Events]. The zero value is ready. It is safe for concurrent use;
// its fields must not change once it is in use.
//
// The deadline of a context is sent in the header Spry-Timeout, so that the gateway gives up when the client does. An answer with an error
// is a [*StatusError].
type Client struct {
	// HTTP makes the requests. Defaults to [http.DefaultClient]. Its Timeout must be 0 for Events.
	HTTP *http.Client

	// Header has further headers of the requests, such as Authorization.
	Header http.Header

	// MaxBody is the size in bytes of the largest reply, answer or event that is taken. Defaults to 4 MiB.
	MaxBody int64
}

const defaultMaxReply = 4 << 20

// Ask sends a request, and returns the reply.
func (c *Client) Ask(ctx context.Context, url string, body []byte) ([]byte, error) {
	answer, err := c.post(ctx, url, body)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	limit := c.limit()
	reply, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err == nil && int64(len(reply)) > limit {
		err = tooLong("reply", limit)
	}
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// An unusableError says that an address is malformed, or that an answer is none of the gateway, or too large. It comes again however
// often one asks.
type unusableError struct{ text string }

func (e *unusableError) Error() string { return e.text }

func tooLong(what string, limit int64) error {
	return &unusableError{fmt.Sprintf("the %s is larger than %d bytes: raise MaxBody of the Client", what, limit)}
}

// Send sends a message. Without an error, it is queued at the gateway.
func (c *Client) Send(ctx context.Context, url string, body []byte) error {
	answer, err := c.post(ctx, url, body)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Survey sends a survey and yields the answers as they come. Leaving the loop ends the survey. An error ends it, and is yielded once.
func (c *Client) Survey(ctx context.Context, url string, body []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		answer, err := c.post(ctx, url, body)
		if err != nil {
			yield(nil, err)
			return
		}
		defer answer.Body.Close()
		lines := bufio.NewReader(answer.Body)
		for {
			line, err := sse.ReadLine(lines, c.textLimit())
			if err == io.EOF { //nolint:errorlint // io.Reader returns it as it is
				return
			}
			var frames [][]byte
			if err == nil {
				frames, err = textform.ParseFrames(line)
			}
			if errors.Is(err, sse.ErrTooLong) {
				err = tooLong("answer", int64(c.textLimit()))
			}
			if !yield(bytes.Join(frames, nil), err) || err != nil {
				return
			}
		}
	}
}

// limit is MaxBody. A text of its length can be counted.
func (c *Client) limit() int64 { return min(or(c.MaxBody, defaultMaxReply), maxLength/8) }

// textLimit is the length of the longest line or event: six times what it stands for, as a text of control characters has.
func (c *Client) textLimit() int { return 6*int(c.limit()) + 64 }

func (c *Client) post(ctx context.Context, url string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		r.Header.Set(timeoutHeader, strconv.FormatInt(max(time.Until(deadline).Milliseconds(), 1), 10))
	}
	return c.do(r)
}

// do makes a request. The answer is one without an error.
func (c *Client) do(r *http.Request) (*http.Response, error) {
	maps.Copy(r.Header, c.Header)
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode < http.StatusMultipleChoices {
		return answer, nil
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxHeader)) // what arrives of it
	var p problem
	if answer.Header.Get("Content-Type") != problemType || json.Unmarshal(text, &p) != nil {
		p.Detail = "an answer of something else than the gateway"
	}
	return nil, &StatusError{answer.StatusCode, p.Detail}
}

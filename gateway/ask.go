// SPDX-License-Identifier: MIT

package gateway

import (
	"context"
	"mime"
	"net/http"
	"strings"
)

// An Asker is a [spry.Req], or what stands for one.
type Asker interface {
	Do(ctx context.Context, body []byte) ([]byte, error)
}

// Ask returns a handler that sends the body of each POST as a request, and answers with the reply. o may be nil.
//
// The header Spry-Timeout names the time that the request may take: 1500ms, 2s, or a number of milliseconds. Without a reply in that
// time, the answer is 504. Without a peer it is 503: at once if the Req has FailFast, and otherwise when the time is over.
//
// If the client goes away, the request is abandoned.
func Ask(req Asker, o *Options) *Handler {
	return newHandler(o, http.MethodPost, func(x *exchange) error {
		ctx, body, err := x.message(x.options.Timeout)
		if err != nil {
			return err
		}
		reply, err := req.Do(ctx, body)
		if err != nil {
			return socketError(err, errNoReply)
		}
		return x.reply(http.StatusOK, x.replyType(), reply)
	})
}

var errNoReply = &StatusError{http.StatusGatewayTimeout, "no reply in time"}

const (
	jsonType  = "application/json"
	bytesType = "application/octet-stream"
)

// replyType is the content type of a reply.
func (x *exchange) replyType() string {
	if x.options.ContentType != "" {
		return x.options.ContentType
	}
	given := x.r.Header.Get("Content-Type")
	if given == jsonType {
		return jsonType
	}
	if strings.Contains(given, ";") {
		if kind, _, err := mime.ParseMediaType(given); err == nil && kind == jsonType {
			return jsonType
		}
	}
	return bytesType
}

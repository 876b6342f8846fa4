// SPDX-License-Identifier: MIT

package gateway

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/textform"
)

// linesType is the content type of lines of JSON.
const linesType = "application/x-ndjson"

// An Inquirer is a [spry.Surveyor], or what stands for one.
type Inquirer interface {
	Survey(ctx context.Context, body []byte) iter.Seq2[*spry.Message, error]
	Pipes() iter.Seq[*spry.Pipe]
}

// Survey returns a handler that sends the body of each POST as a survey, and answers with the answers as they come. Each is a line of JSON:
// {"body":"text"}, or {"body_base64":"…"} if it is not UTF-8. o may be nil.
//
// The answer ends when the time of the survey is over: that of the Surveyor, or a shorter one in the header Spry-Timeout, and at most
// MaxTimeout. Without a peer it is 503.
func Survey(s Inquirer, o *Options) *Handler {
	return newHandler(o, http.MethodPost, func(x *exchange) error {
		ctx, body, err := x.message(x.options.MaxTimeout)
		if err != nil {
			return err
		}
		if !hasPeer(s) {
			return errNoPeer
		}
		out := json.NewEncoder(x.w)
		for m, err := range s.Survey(ctx, body) {
			if err != nil {
				return socketError(err, errNoReply)
			}
			if !x.begun {
				x.begin(http.StatusOK, linesType)
			}
			x.extend()
			err = out.Encode(textform.ContentsOf(string(m.Bytes())))
			m.Release()
			if err == nil {
				err = x.flush()
			}
			if err != nil {
				return err
			}
		}
		if !x.begun {
			x.begin(http.StatusOK, linesType)
		}
		return nil
	})
}

func hasPeer(s interface{ Pipes() iter.Seq[*spry.Pipe] }) bool {
	for range s.Pipes() {
		return true
	}
	return false
}

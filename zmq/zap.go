// SPDX-License-Identifier: MIT

package zmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/sprymq/spry/transport"
)

// ZAP, RFC 27, is how ZeroMQ programs ask a handler of theirs, who serves inproc://zeromq.zap.01 by convention, about peers
// that want to come in.

const (
	zapVersion = "1.0"

	zapRequestHead = 6 // version, request, domain, address, identity, mechanism
	zapReplyFrames = 6 // version, request, status, text, user, metadata
	maxZAPText     = 255
)

// ZAP returns an Authenticator that asks a ZAP handler (RFC 27) about each peer of a domain. ask sends a request, as [Req.Do]
// does, and returns the reply, both without an envelope; several calls may run at once. The user is the reply's user id; its
// metadata is ignored. If ask fails or the reply violates RFC 27, the peer is refused.
func ZAP(ask func(ctx context.Context, request [][]byte) (reply [][]byte, err error), domain string) Authenticator {
	var requests atomic.Uint64
	return func(ctx context.Context, c Credentials) (string, error) {
		id := strconv.FormatUint(requests.Add(1), 10)
		reply, err := ask(ctx, zapRequest(id, domain, c))
		if err != nil {
			return "", fmt.Errorf("zap: asking the handler: %w", err)
		}
		return judgeZAP(id, reply)
	}
}

// zapRequest asks about credentials.
func zapRequest(id, domain string, c Credentials) [][]byte {
	request := [][]byte{
		[]byte(zapVersion), []byte(id), []byte(domain), []byte(zapAddress(c)), []byte(c.Metadata["Identity"]), []byte(c.Mechanism),
	}
	switch c.Mechanism {
	case mechanismPlain:
		request = append(request, []byte(c.Username), []byte(c.Password))
	case mechanismCurve:
		request = append(request, c.PublicKey[:])
	}
	return request
}

// zapAddress is a peer's address as libzmq gives it: the IP address, or the numbers of the peer's process.
func zapAddress(c Credentials) string {
	switch a, ok := addressOf(c.Address); {
	case ok:
		return a.String()
	case c.Creds != nil:
		return fmt.Sprintf(":%d:%d:%d", c.Creds.UID, c.Creds.GID, c.Creds.PID)
	}
	return ""
}

// judgeZAP evaluates the handler's reply.
func judgeZAP(id string, reply [][]byte) (user string, err error) {
	switch {
	case len(reply) != zapReplyFrames:
		return "", fmt.Errorf("zap: the handler replied with %d frames, and a reply has %d: check the handler", len(reply), zapReplyFrames)
	case string(reply[0]) != zapVersion:
		return "", fmt.Errorf("zap: the handler replied in version %.40q, and %s was asked: check the handler", reply[0], zapVersion)
	case string(reply[1]) != id:
		return "", fmt.Errorf("zap: the handler replied to request %.40q, and %s was asked: check the handler", reply[1], id)
	}
	status, text := string(reply[2]), reply[3]
	switch status {
	case statusOK:
		return string(reply[4]), nil
	case statusTryLater:
		return "", fmt.Errorf("%w: the zap handler said %.255q", ErrTryLater, text)
	case statusDenied:
		return "", fmt.Errorf("%w: the zap handler said %.255q", ErrDenied, text)
	case statusFailed:
		return "", fmt.Errorf("zap: the handler failed and said %.255q", text)
	}
	return "", fmt.Errorf("zap: the handler replied with the status %.40q, which does not exist: check the handler", status)
}

// HandleZAP returns the reply to a ZAP request (RFC 27), as check decides. Use it in a program that is the ZAP handler of other
// sockets, such as libzmq's. Both messages are without an envelope. A malformed request gets a reply that refuses the peer. The
// text of a refusal is check's error, up to 255 bytes.
func HandleZAP(ctx context.Context, check Authenticator, request [][]byte) (reply [][]byte) {
	id, status, text, user := "", statusOK, "OK", ""
	if len(request) > 1 {
		id = string(request[1])
	}
	c, err := parseZAP(request)
	if err == nil {
		user, err = check(ctx, c)
	}
	if err != nil {
		status, user = statusOf(err), ""
		text = err.Error()
		text = text[:min(len(text), maxZAPText)]
	}
	return [][]byte{[]byte(zapVersion), []byte(id), []byte(status), []byte(text), []byte(user), nil}
}

// parseZAP returns the credentials of a request.
func parseZAP(request [][]byte) (c Credentials, err error) {
	switch {
	case len(request) < zapRequestHead:
		return c, fmt.Errorf("zap: a request of %d frames, and one has at least %d", len(request), zapRequestHead)
	case string(request[0]) != zapVersion:
		return c, fmt.Errorf("zap: a request in version %.40q, and %s is spoken here", request[0], zapVersion)
	}
	c = Credentials{Domain: string(request[2]), Mechanism: string(request[5])}
	if identity := string(request[4]); identity != "" {
		c.Metadata = map[string]string{"Identity": identity}
	}
	c.Address, c.Creds = parseZAPAddress(string(request[3]))
	return c, c.takeZAP(request[zapRequestHead:])
}

var errZAPCredentials = errors.New("zap: credentials that do not suit the mechanism")

// takeZAP takes the frames of a mechanism.
func (c *Credentials) takeZAP(shown [][]byte) error {
	want := map[string]int{mechanismNull: 0, mechanismPlain: 2, mechanismCurve: 1}
	n, known := want[c.Mechanism]
	switch {
	case !known:
		return fmt.Errorf("%w: the mechanism %.40q is not known here", ErrDenied, c.Mechanism)
	case len(shown) != n:
		return fmt.Errorf("%w: %d frames, and %s has %d", errZAPCredentials, len(shown), c.Mechanism, n)
	}
	switch c.Mechanism {
	case mechanismPlain:
		if len(shown[0]) > maxCredential || len(shown[1]) > maxCredential {
			return fmt.Errorf("%w: a name or a password of more than %d bytes", errZAPCredentials, maxCredential)
		}
		c.Username, c.Password = string(shown[0]), string(shown[1])
	case mechanismCurve:
		if len(shown[0]) != keyBytes {
			return fmt.Errorf("%w: a key of %d bytes", errZAPCredentials, len(shown[0]))
		}
		c.PublicKey = PublicKey(shown[0])
	}
	return nil
}

// parseZAPAddress reads what zapAddress writes. An address that is something else is none.
func parseZAPAddress(s string) (net.Addr, *transport.Creds) {
	if ip := net.ParseIP(s); ip != nil {
		return &net.IPAddr{IP: ip}, nil
	}
	numbers := strings.Split(s, ":")
	if len(numbers) != 4 || numbers[0] != "" {
		return nil, nil
	}
	var ids [3]int
	for i := range ids {
		n, err := strconv.ParseInt(numbers[i+1], 10, 33) // 32 bits without a sign, or -1
		if err != nil || n != int64(int(n)) {
			return nil, nil
		}
		ids[i] = int(n)
	}
	return nil, &transport.Creds{UID: ids[0], GID: ids[1], PID: ids[2]}
}

// SPDX-License-Identifier: MIT

package inspect_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/inspect"
)

// serve runs a fake peer for each connection to a listener, until the test ends.
func serve(t *testing.T, l net.Listener, peer func(net.Conn)) {
	t.Helper()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				peer(conn)
				io.Copy(io.Discard, conn) // closing with unread input would reset the connection
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func run(t *testing.T, url string, o inspect.Options) (*inspect.Report, error) {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	return inspect.Run(ctx, url, o)
}

// after answers once n bytes have come.
func after(n int, answer string) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, n)); err == nil {
			io.WriteString(c, answer)
		}
	}
}

const zmtpNull = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01NULL" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// ready is the command in which a ZeroMQ peer says what it is.
func ready(properties ...string) string {
	body := "\x05READY"
	for i := 0; i < len(properties); i += 2 {
		name, value := properties[i], properties[i+1]
		body += string(rune(len(name))) + name + "\x00\x00\x00" + string(rune(len(value))) + value
	}
	return "\x04" + string(rune(len(body))) + body
}

const repHeader = "\x00SP\x00\x00\x31\x00\x00"

func TestPeersByWhatTheyAnswer(t *testing.T) {
	t.Parallel()
	greeting := "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01CURVE" + strings.Repeat("\x00", 64-17)
	for name, test := range map[string]struct {
		peer    func(net.Conn)
		timeout time.Duration // where a probe must pass in silence; else ample
		want    inspect.Report
	}{
		"sp that answers three bytes": {after(3, repHeader), 0, inspect.Report{Dialect: "sp", Protocol: "rep", Number: 0x31, Peer: "req", Version: "0"}},
		"sp that speaks first":        {after(0, repHeader), 0, inspect.Report{Dialect: "sp", Protocol: "rep", Number: 0x31, Peer: "req", Version: "0"}},
		"sp that waits for a number":  {after(6, repHeader), time.Second, inspect.Report{Dialect: "sp", Protocol: "rep", Number: 0x31, Peer: "req", Version: "0"}},
		"sp of an unknown protocol":   {after(3, "\x00SP\x00\x06\x40\x00\x00"), 0, inspect.Report{Dialect: "sp", Protocol: "0x0640", Number: 0x640, Version: "0"}},
		"sp for its like only": {func(c net.Conn) {
			header := make([]byte, 8)
			if io.ReadFull(c, header); header[5] == 0x30 {
				io.WriteString(c, repHeader)
			} else {
				c.Close()
			}
		}, time.Second, inspect.Report{Dialect: "sp", Protocol: "rep", Number: 0x31, Peer: "req", Version: "0"}},
		"zmtp with security": {after(0, greeting), 0, inspect.Report{
			Dialect: "zmtp", Version: "3.1", ZMTP: &inspect.Hello{Version: "3.1", Mechanism: "CURVE"},
			Detail: "tells its socket type only to peers that it lets in",
		}},
		"zmtp": {after(0, zmtpNull+ready("Socket-Type", "ROUTER", "identity", "me\x00", "X-Shelf", "7")), 0, inspect.Report{
			Dialect: "zmtp", Version: "3.1",
			ZMTP: &inspect.Hello{Version: "3.1", Mechanism: "NULL", Socket: "ROUTER", Identity: "me\x00", Metadata: map[string]string{"X-Shelf": "7"}},
		}},
		"zmtp that says less than it announced": {after(0, zmtpNull+"\x04\xff\x05READY"), time.Second, inspect.Report{
			Dialect: "zmtp", Version: "3.1", ZMTP: &inspect.Hello{Version: "3.1", Mechanism: "NULL"}, Detail: "does not tell its socket type",
		}},
		"zmtp that announces the impossible": {after(0, zmtpNull+"\x06\xff\xff\xff\xff\xff\xff\xff\xff\x05READY"), 0, inspect.Report{
			Dialect: "zmtp", Version: "3.1", ZMTP: &inspect.Hello{Version: "3.1", Mechanism: "NULL"},
		}},
		"zmtp with a property that does not end": {after(0, zmtpNull+"\x04\x0f\x05READY\x01n\xff\xff\xff\xffxyz"), 0, inspect.Report{
			Dialect: "zmtp", Version: "3.1", ZMTP: &inspect.Hello{Version: "3.1", Mechanism: "NULL"},
		}},
		"zmtp 2.0": {after(0, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05"), 0, inspect.Report{
			Dialect: "zmtp", Version: "2.0", ZMTP: &inspect.Hello{Version: "2.0", Socket: "DEALER"},
		}},
		"both families": {func(c net.Conn) {
			first := make([]byte, 1)
			if io.ReadFull(c, first); first[0] == 0 {
				io.WriteString(c, repHeader)
			} else {
				io.WriteString(c, zmtpNull+ready("Socket-Type", "REP"))
			}
		}, 0, inspect.Report{
			Dialect: "sp", Protocol: "rep", Number: 0x31, Peer: "req", Version: "0",
			ZMTP: &inspect.Hello{Version: "3.1", Mechanism: "NULL", Socket: "REP"},
		}},
		"ssh":     {after(0, "SSH-2.0-x\r\n"), 0, inspect.Report{Dialect: "ssh", Detail: `introduced itself as "SSH-2.0-x"`}},
		"tls":     {after(3, "\x15\x03\x01\x00\x02\x02\x46"), 0, inspect.Report{Dialect: "tls", Detail: "answered with a TLS record; try tls+tcp://"}},
		"unknown": {after(3, "+OK hello\r\n"), 0, inspect.Report{Dialect: "unknown", Detail: `answered "+OK hello\r\n"`}},
		"hang up": {func(c net.Conn) { c.Close() }, 0, inspect.Report{Dialect: "silent", Detail: "takes connections and answers nothing that is known here"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			serve(t, l, test.peer)
			got, err := run(t, "tcp://"+l.Addr().String(), inspect.Options{Timeout: test.timeout})
			if err != nil {
				t.Fatal(err)
			}
			test.want.URL, test.want.Remote = got.URL, l.Addr().String()
			test.want.ConnectUS, test.want.AnswerUS = got.ConnectUS, got.AnswerUS
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("got  %+v\nwant %+v", *got, test.want)
			}
		})
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "shelf/7")
		http.NotFound(w, r)
	}))
	defer server.Close()
	got, err := run(t, "tcp://"+server.Listener.Addr().String(), inspect.Options{Timeout: time.Second})
	if err != nil || got.Dialect != "http" || got.Version != "1.1" || got.Status != "404 Not Found" || got.Server != "shelf/7" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestIPC(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l, after(3, repHeader))
	got, err := run(t, "ipc://"+path, inspect.Options{})
	if err != nil || got.Protocol != "rep" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	defer server.Close()
	l := tls.NewListener(listen(t), &tls.Config{Certificates: server.TLS.Certificates})
	serve(t, l, after(3, repHeader))
	url := "tls+tcp://" + l.Addr().String()

	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	got, err := run(t, url, inspect.Options{TLS: &tls.Config{RootCAs: roots}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Protocol != "rep" || got.TLS == nil || got.TLS.Version != "TLS 1.3" || !got.TLS.Verified || len(got.TLS.Names) == 0 {
		t.Errorf("%+v, TLS %+v", got, got.TLS)
	}

	got, err = run(t, url, inspect.Options{TLS: &tls.Config{RootCAs: x509.NewCertPool()}})
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("a stranger's certificate: %v", err)
	}
	if got.TLS == nil || got.TLS.Verified || got.TLS.Subject != server.Certificate().Subject.String() {
		t.Errorf("the refused certificate is not shown: %+v", got.TLS)
	}
}

// TLS is found where the address does not tell of it, and so is what is inside.
func TestTLSByItself(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	url := "tcp://" + server.Listener.Addr().String()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, trusted := range []bool{true, false} {
		t.Run(fmt.Sprintf("trusted %t", trusted), func(t *testing.T) {
			t.Parallel()
			config := &tls.Config{RootCAs: x509.NewCertPool()}
			if trusted {
				config.RootCAs = roots
			}
			got, err := run(t, url, inspect.Options{TLS: config, Timeout: time.Second})
			if err != nil || got.Dialect != "http" || got.TLS == nil {
				t.Fatalf("%+v, %v", got, err)
			}
			if got.TLS.Subject != server.Certificate().Subject.String() || got.TLS.Verified != trusted || got.TLS.NotAfter.IsZero() {
				t.Errorf("%+v", got.TLS)
			}
		})
	}
}

// A peer that sends without end, or a byte now and then, is left when it is time.
func TestPeersWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{"http": "HTTP/1.1 200 OK\r\n", "unknown": "x", "zmtp": zmtpNull + "\x04\xff"} {
		l := listen(t)
		serve(t, l, func(c net.Conn) {
			chunk := bytes.Repeat([]byte("y"), 1<<10)
			for _, err := io.WriteString(c, head); err == nil; {
				_, err = c.Write(chunk)
			}
		})
		got, err := run(t, "tcp://"+l.Addr().String(), inspect.Options{})
		if err != nil || got.Dialect != name {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestNoPeerThere(t *testing.T) {
	t.Parallel()
	l := listen(t)
	l.Close()
	for _, scheme := range []string{"tcp", "ws"} {
		if got, err := run(t, scheme+"://"+l.Addr().String(), inspect.Options{}); err == nil || errors.Is(err, inspect.ErrAddress) {
			t.Errorf("%s: %+v, %v", scheme, got, err)
		}
	}
	for _, url := range []string{"ws://127.0.0.1:1/%zz", "ws://me@127.0.0.1:1", "nonsense", "inproc://x"} {
		if got, err := run(t, url, inspect.Options{}); !errors.Is(err, inspect.ErrAddress) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
}

// The handshake must not be completed with a socket that answers early: a PUSH would give its messages to us.
func TestNoPipeIsMadeWhereThePeerAnswersEarly(t *testing.T) {
	t.Parallel()
	l := listen(t)
	sent := make(chan []byte, 1)
	serve(t, l, func(c net.Conn) {
		first := make([]byte, 3)
		io.ReadFull(c, first)
		io.WriteString(c, repHeader)
		if rest, _ := io.ReadAll(c); first[0] == 0 { // else it is a look at ZeroMQ
			sent <- rest
		}
	})
	if _, err := run(t, "tcp://"+l.Addr().String(), inspect.Options{}); err != nil {
		t.Fatal(err)
	}
	if rest := <-sent; !bytes.Equal(rest, nil) {
		t.Errorf("% x was sent after the answer", rest)
	}
}

// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
	"github.com/sprymq/spry/transport/ws"
)

// A process is one of the system, seen from within.
type process struct {
	name string
	urls map[string]string // what this process and earlier ones listen on

	sent, received atomic.Uint64 // as the program counts

	mu      sync.Mutex
	stopped bool
	resume  *sync.Cond
	idle    atomic.Int32 // senders that wait
	senders int32
}

// A beginning is what a process prints when it has begun.
type beginning struct {
	URLs     map[string]string `json:"urls"` // with those of earlier processes
	Instance string            `json:"instance"`
	URL      string            `json:"url"`
}

// play is the program of a process.
func play(name string) {
	ctx := context.Background()
	p := &process{name: name, urls: make(map[string]string)}
	p.resume = sync.NewCond(&p.mu)
	must(json.Unmarshal([]byte(os.Getenv(urlsKey)), &p.urls))
	go func() { must(observe.ServeLocal(ctx, nil)) }()
	own := ""
	for own == "" {
		for _, url := range observe.Local() {
			if strings.Contains(url, fmt.Sprintf("/%d-", os.Getpid())) {
				own = url
			}
		}
		if own == "" {
			time.Sleep(time.Millisecond)
		}
	}
	for _, r := range roles {
		if r.name == name {
			r.run(ctx, p)
		}
	}
	say(beginning{p.urls, spry.Instance(), own})
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		switch in.Text() {
		case "stop":
			p.halt(true)
		case "go":
			p.halt(false)
		}
		say(map[string]uint64{"sent": p.sent.Load(), "received": p.received.Load()})
	}
}

func say(v any) { must(json.NewEncoder(os.Stdout).Encode(v)) }

func must(err error) {
	if err != nil {
		log.Fatalf("%s: %v", os.Getenv(roleKey), err)
	}
}

// halt stops the senders, and waits until they have, or lets them go on.
func (p *process) halt(stop bool) {
	p.mu.Lock()
	p.stopped = stop
	p.resume.Broadcast()
	p.mu.Unlock()
	for stop && p.idle.Load() < p.senders {
		time.Sleep(time.Millisecond)
	}
}

// every calls send again and again, unless the process is halted.
func (p *process) every(d time.Duration, send func() error) {
	p.senders++
	go func() {
		for {
			p.mu.Lock()
			for p.stopped {
				p.idle.Add(1)
				p.resume.Wait()
				p.idle.Add(-1)
			}
			p.mu.Unlock()
			if err := send(); err == nil {
				p.sent.Add(1)
			}
			time.Sleep(d)
		}
	}()
}

// receive counts what receive returns.
func (p *process) receive(pause time.Duration, receive func() error) {
	go func() {
		for receive() == nil {
			p.received.Add(1)
			time.Sleep(pause)
		}
	}()
}

func (p *process) options() spry.Options {
	return spry.Options{
		Name: p.name, Backoff: spry.Backoff{Min: 50 * time.Millisecond, Max: time.Second}, Heartbeat: time.Second,
		Transports: []transport.Transport{ipc.Transport{}, tcp.Transport{}, tlstcp.Transport{}, ws.Transport{}},
	}
}

// A socket is any socket.
type socket interface {
	ListenWith(ctx context.Context, c *spry.ListenConfig) (*spry.Endpoint, error)
	DialWith(ctx context.Context, c *spry.DialConfig) (*spry.Endpoint, error)
}

// listens listens at a URL, in which DIR is the folder of the run. Others dial it by name.
func (p *process) listens(ctx context.Context, s socket, name, url string) {
	c := &spry.ListenConfig{URL: strings.ReplaceAll(url, "DIR", p.urls["dir"])}
	if strings.HasPrefix(url, "tls") {
		cert, err := tls.LoadX509KeyPair(filepath.Join(p.urls["dir"], "cert.pem"), filepath.Join(p.urls["dir"], "key.pem"))
		must(err)
		c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	e, err := s.ListenWith(ctx, c)
	must(err)
	p.urls[name] = e.URL()
}

// dials dials what listens by a name.
func (p *process) dials(ctx context.Context, s socket, name string) {
	c := &spry.DialConfig{URL: p.urls[name]}
	if strings.HasPrefix(c.URL, "tls") {
		pem, err := os.ReadFile(filepath.Join(p.urls["dir"], "cert.pem"))
		must(err)
		c.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "localhost"}
		c.TLS.RootCAs.AppendCertsFromPEM(pem)
	}
	_, err := s.DialWith(ctx, c)
	must(err)
}

func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// SPDX-License-Identifier: MIT

package urls

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/sprymq/spry/transport"
)

func TestRedact(t *testing.T) {
	for url, want := range map[string]string{
		"tcp://user:hunter2@127.0.0.1:1":                   "tcp://user:xxxxx@127.0.0.1:1",
		"tcp://user:hun@ter2@127.0.0.1:1":                  "tcp://user:xxxxx@127.0.0.1:1",
		"tcp://user:hun/ter2@h:1":                          "tcp://user:xxxxx@h:1",
		"tcp://user:/hunter2/@h:1":                         "tcp://user:xxxxx@h:1",
		"tcp://user:hun@ter/2@h:1":                         "tcp://user:xxxxx@h:1",
		"tcp://user:hun://ter2@h:1":                        "tcp://user:xxxxx@h:1",
		"tcp://us/er:hunter2@h:1":                          "tcp://us/er:xxxxx@h:1",
		"tcp:///user:hunter2@h:1":                          "tcp:///user:xxxxx@h:1",
		"tcp://:hunter2@h:1/x@y":                           "tcp://:xxxxx@y", // the password may be all of it
		"user:hunter2@h":                                   "user:xxxxx@h",
		"user:hun/ter2@h":                                  "user:xxxxx@h",
		"user:hunter2@tcp://h:1":                           "user:xxxxx@tcp://h:1",
		"user:hun://ter2@h:1":                              "user:xxxxx@h:1",
		"tcp:/user:hunter2@h":                              "tcp:xxxxx@h",
		"ipc://user:hun/ter2@h":                            "ipc://user:xxxxx@h",
		"zmtp+ipc://user:hunter2@/run/a":                   "zmtp+ipc://user:xxxxx@/run/a",
		"tcp://user@h:1":                                   "tcp://user@h:1",
		"tcp://[::1]:1":                                    "tcp://[::1]:1",
		"/run/a:b@c":                                       "/run/a:b@c",
		"ipc:///run/a:b@c":                                 "ipc:///run/a:b@c",
		"sp+unix://run/a:b@c":                              "sp+unix://run/a:b@c",
		"IPC:///run/a:b@c":                                 "IPC:///run/a:b@c",
		"inproc://jobs/a:b@c":                              "inproc://jobs/a:b@c",
		"inproc://a@b:c":                                   "inproc://a@b:c",
		"tls+tcp://eth0;[fe80::1%eth0]:99":                 "tls+tcp://eth0;[fe80::1%eth0]:99",
		"":                                                 "",
		"tcp://h:1?rate=1MB/s&key=k&Auth-Token=a%26b&pass": "tcp://h:1?rate=1MB/s&key=xxxxx&Auth-Token=xxxxx&pass",
		"tcp://ali:hunter2@h:1?password=hunter2":           "tcp://ali:xxxxx@h:1?password=xxxxx",
		"tcp://h:1?mail=a@b":                               "tcp://h:xxxxx@b", // a password, for all that can be known
		"ipc:///run/a?key=b":                               "ipc:///run/a?key=b",
	} {
		if got := Redact(url); got != want {
			t.Errorf("Redact(%q) is %q, want %q", url, got, want)
		}
	}
}

// A scheme is words: dialects and layers are taken off its front, one by one.
func TestSchemesAreWords(t *testing.T) {
	u, err := transport.ParseURL("ZMTP+tls+tcp://h:1")
	if err != nil || u.Base() != "tcp" {
		t.Fatalf("%+v, over %s, %v", u, u.Base(), err)
	}
	for _, tc := range []struct{ word, rest string }{{"zmtp", "tls+tcp"}, {"tls", "tcp"}, {"tcp", "tcp"}, {"t", "tcp"}, {"", "tcp"}} {
		rest, found := Cut(u, tc.word)
		if found != (tc.rest != u.Scheme) || rest.Scheme != tc.rest || rest.Address != "h:1" {
			t.Errorf("%s off %v is %v, %v", tc.word, u, rest, found)
		}
		u = rest
	}
}

func TestRename(t *testing.T) {
	inner, outer := transport.URL{Scheme: "tcp", Address: "h:1"}, transport.URL{Scheme: "ws", Address: "u:secret@h:1/x"}
	err := Rename(fmt.Errorf("tcp://h:1: %w", io.EOF), inner, outer)
	if got := err.Error(); got != "ws://u:xxxxx@h:1/x: EOF" || !errors.Is(err, io.EOF) {
		t.Errorf("the error is %q", got)
	}
	if err := Rename(nil, inner, outer); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}

// SPDX-License-Identifier: MIT

package bench

import (
	"strings"
	"testing"
	"time"
)

func TestDataAddress(t *testing.T) {
	for control, want := range map[string]string{
		"tcp://*:5555":             "tcp://*:0",
		"tcp://[::1]:5555":         "tcp://[::1]:0",
		"tls+tcp4://10.0.0.1:5555": "tls+tcp4://10.0.0.1:0",
		"ipc:///tmp/b":             "ipc:///tmp/b-data",
		"abstract://b":             "abstract://b-data",
		"inproc://b":               "inproc://b-data",
		"ws://*:5555/bench":        "ws://*:0/bench",
		"zmtp+wss://[::1]":         "zmtp+wss://[::1]:0",
		"ws+ipc:///tmp/b:/bench":   "ws+ipc:///tmp/b-data:/bench",
		"ws+ipc:///tmp/b":          "ws+ipc:///tmp/b-data",
		"zmtp+wss+ipc:///b:/bench": "zmtp+wss+ipc:///b-data:/bench",
	} {
		if got, err := dataAddress(control); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", control, got, err, want)
		}
	}
	if got, err := dataAddress("nonsense"); err == nil {
		t.Errorf("nonsense: %q", got)
	}
}

func TestDataURL(t *testing.T) {
	for _, test := range []struct{ dialed, announced, want string }{
		{"tcp://host:5555", "tcp://127.0.0.1:40123", "tcp://host:40123"},
		{"tcp://[fe80::1%eth0]:5555", "tcp://[::1]:40123", "tcp://[fe80::1%eth0]:40123"},
		{"tls+tcp://host:5555", "tcp://127.0.0.1:40123", "tcp://host:40123"},
		{"tcp://host:5555", "ipc:///tmp/d", "ipc:///tmp/d"},
		{"ipc:///tmp/b", "ipc:///tmp/b-data", "ipc:///tmp/b-data"},
		{"inproc://b", "inproc://b-data", "inproc://b-data"},
		{"ws://host:5555/bench", "ws://127.0.0.1:40123/bench", "ws://host:40123/bench"},
		{"wss://host/bench?token=x", "wss://127.0.0.1:40123/", "wss://host:40123/"},
	} {
		if got, err := dataURL(test.dialed, test.announced); err != nil || got != test.want {
			t.Errorf("%s announced by %s: %q, %v, want %q", test.announced, test.dialed, got, err, test.want)
		}
	}
	for _, announced := range []string{"", "nonsense", "bogus://x"} {
		if got, err := dataURL("tcp://host:5555", announced); err == nil {
			t.Errorf("%q was taken: %q", announced, got)
		}
	}
}

func TestMessagesOfOthers(t *testing.T) {
	for _, test := range []struct{ body, says string }{
		{"", "no spry bench"},
		{"hello", "no spry bench"},
		{"{}", "no spry bench"},
		{`{"spry_bench":0}`, "no spry bench"},
		{`{"spry_bench":2}`, "version 2"},
		{`{"spry_bench":"1"}`, "no spry bench"},
		{`{"spry_bench":1,"error":"` + strings.Repeat("x", maxControl) + `"}`, "no spry bench"},
	} {
		if _, err := decodeRequest([]byte(test.body)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("a request %.30q: %v", test.body, err)
		}
		if _, err := decodeReply([]byte(test.body)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("a reply %.30q: %v", test.body, err)
		}
	}
	if _, err := decodeReply([]byte(`{"spry_bench":1,"error":"busy"}`)); err == nil || err.Error() != "busy" {
		t.Errorf("an error came as %v", err)
	}
}

func TestImpossibleWork(t *testing.T) {
	good := Work{Kind: Thr, Size: 1, Mode: Batch, For: time.Second}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(w *Work){
		"kind":    func(w *Work) { w.Kind = "" },
		"size":    func(w *Work) { w.Size = maxSize + 1 },
		"empty":   func(w *Work) { w.Size = 0 },
		"mode":    func(w *Work) { w.Mode = "fast" },
		"asks":    func(w *Work) { w.Kind = Lat },
		"nothing": func(w *Work) { w.For = 0 },
		"count":   func(w *Work) { w.Count = -1 },
		"time":    func(w *Work) { w.For = maxRunTime + 1 },
		"warmup":  func(w *Work) { w.Warmup = -1 },
		"callers": func(w *Work) { w.Kind, w.Mode, w.Callers = Callers, Plain, maxPeers+1 },
		"subs":    func(w *Work) { w.Kind, w.Subs = Fan, -1 },
	} {
		w := good
		if spoil(&w); w.Check() == nil {
			t.Errorf("%s: %+v was taken", name, w)
		}
	}
}

// What anybody sends to a server is refused, or work that can be done.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"spry_bench":1,"start":{"work":"fan","size":64,"mode":"plain","for_ns":1000000,"subs":8}}`))
	f.Add([]byte(`{"spry_bench":1,"finish":7}`))
	f.Add([]byte(`{"spry_bench":1,"start":{"work":"thr","size":1e9,"mode":"own","count":-1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := decodeRequest(body)
		if err != nil || q.Start == nil || q.Start.Check() != nil {
			return
		}
		if w := q.Start; w.Size > maxSize || w.Subs > maxPeers && w.Kind == Fan || w.Callers > maxPeers && w.Kind == Callers {
			t.Errorf("%+v was taken", w)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"spry_bench":1,"run":1,"url":"tcp://127.0.0.1:1"}`))
	f.Add([]byte(`{"spry_bench":1,"messages":12,"seconds":1.5}`))
	f.Fuzz(func(_ *testing.T, body []byte) {
		if r, err := decodeReply(body); err == nil {
			dataURL("tcp://host:5555", r.URL)
		}
	})
}

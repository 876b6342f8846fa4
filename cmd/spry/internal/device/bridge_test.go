// SPDX-License-Identifier: MIT

package device_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/device"
)

func TestParseBridge(t *testing.T) {
	for _, test := range []struct {
		args         string
		kind         string
		listen, dial string // of the front, then of the back
	}{
		{"pull=sp+tcp://:5555 push=zmtp+tcp://host:5556", "pipeline", "sp+tcp://:5555;", ";zmtp+tcp://host:5556"},
		{"push=tcp://*:1 pull=listen:ipc:///a", "pipeline", "ipc:///a;tcp://*:1", ";"},
		{"rep=tcp://a:1 rep=tcp://:2 req=dial:tcp://:3", "reqrep", "tcp://:2;", "tcp://a:1;tcp://:3"},
		{"sub=tcp://a:1 sub=tcp://b:2 pub=tcp4://*:3", "pubsub", ";tcp4://*:3", "tcp://a:1,tcp://b:2;"},
	} {
		kind, front, back, err := device.ParseBridge(strings.Fields(test.args))
		listen := strings.Join(front.Listen, ",") + ";" + strings.Join(back.Listen, ",")
		dial := strings.Join(front.Dial, ",") + ";" + strings.Join(back.Dial, ",")
		if err != nil || kind != test.kind || listen != test.listen || dial != test.dial {
			t.Errorf("%s: %s, listen %s, dial %s, %v", test.args, kind, listen, dial, err)
		}
	}
	for _, bad := range []string{"", "pull=tcp://:1", "pull=tcp://:1 push", "pull=tcp://:1 push=", "pull=tcp://:1 pub=tcp://:2", "pull=tcp://:1 push=tcp://:2 pub=tcp://:3"} {
		if kind, _, _, err := device.ParseBridge(strings.Fields(bad)); err == nil {
			t.Errorf("%q was taken as %s", bad, kind)
		}
	}
}

func TestKinds(t *testing.T) {
	if kinds := device.Names(false); !slices.Equal(kinds, []string{"bus", "pair", "pipeline", "pubsub", "reqrep", "survey"}) {
		t.Errorf("got %v", kinds)
	}
}

// SPDX-License-Identifier: MIT

package nngcat

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]config{
		"--pub -D x -l 80": {protocol: "pub0", addresses: []address{{false, "tcp://127.0.0.1:80"}}, data: []byte("x"), hasData: true},
		"--sub -L5678 --subs a --subscribe=b": {
			protocol: "sub0", addresses: []address{{true, "tcp://127.0.0.1:5678"}}, topics: []string{"a", "b"},
		},
		"--pull0 --bind u --connect v --format:no -C 3": {
			protocol: "pull0", addresses: []address{{true, "u"}, {false, "v"}}, format: "no", count: 3,
		},
		"--pair -X /p -x /q --compat -Q": {
			protocol: "pair0", addresses: []address{{true, "ipc:////p"}, {false, "ipc:////q"}}, format: "quoted", compat: true, async: true,
		},
		"--pair --dial u":                {protocol: "pair1", addresses: []address{{false, "u"}}},
		"--rep --dial u -Z 0 -k":         {protocol: "rep0", addresses: []address{{false, "u"}}, maxRecv: maxInt, insecure: true},
		"--bus --li u -v -q":             {protocol: "bus0", addresses: []address{{true, "u"}}},
		"--respon --dial a --socket x":   {protocol: "respondent0", addresses: []address{{false, "a"}}},
		"--pull --dial=a=b:c --zt-home:": {protocol: "pull0", addresses: []address{{false, "a=b:c"}}},
	} {
		want.interval, want.recvTimeout, want.sendTimeout = forever, forever, forever
		got, err := parse(strings.Fields(line), strings.NewReader(""))
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s:\n got  %+v, %v\n want %+v", line, got, err, want)
		}
	}
}

func TestParseTimes(t *testing.T) {
	got, err := parse(strings.Fields("--req -l1 -D x -i 2 -d 3 --recv-timeout 4 --send-timeout=0"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.interval != 2*time.Second || got.delay != 3*time.Second || got.recvTimeout != 4*time.Second || got.sendTimeout != 0 {
		t.Errorf("%+v", got)
	}
}

func TestFileIsStandardInput(t *testing.T) {
	got, err := parse(strings.Fields("--push -l1 -F -"), strings.NewReader("all of\nit"))
	if err != nil || string(got.data) != "all of\nit" || !got.hasData {
		t.Errorf("%+v, %v", got, err)
	}
}

// faults are command lines that nngcat refuses before it opens a socket.
var faults = []string{
	"", "-", "--", "foo", "--pu", "--i", "--ver", "--pair --dial", "--push --bogus", "--pub0x", "-z",
	"--req --rep --dial u", "--push --push", "--pull --dial u --data x", "--sub --dial u -i 1", "--push -l abc",
	"--push -l 70000 -D x", "--push -l 5 -D", "--dial u", "--push --dial u", "--req --dial u", "--surveyor --dial u",
	"--subscribe x --push --dial u", "--format bogus", "--format hex --raw", "--raw --format bogus", "-A -Q",
	"--push -F /nonexistent -D x", "--push -D x -D y", "-Abc", "--ascii=foo", "--count:x", "--count=", "-C-1",
	"-d 86401", "-l 1x", "--push -L:5678 -D x", "--push -L=5678 -D x", "--compat --pair1 --listen u",
	"--compat --count 3 --pair1 --listen u", "--compat --async --pair1 --listen u", "--push --delay 3 - --bogus",
	"--pub --hex -D x --dial u", "--rep -i 1 --dial u", "--respondent -i 1 --dial u", "--pair0 -i 1 --dial u",
	"--bus -i 1 --dial u", "--cacert /nonexistent --pull --dial u", "-D x -F /nonexistent", "--pull -C 1 -C x --dial u",
	"--hel", "--version", "-V --bogus", "--raw -V", "-vq --dial u", "--pull --dial u --format raw --format hex",
}

func TestFaultsAreRefused(t *testing.T) {
	for _, line := range faults {
		c, err := parse(strings.Fields(line), strings.NewReader(""))
		if err == nil && !c.help && !c.version {
			t.Errorf("%q was taken: %+v", line, c)
		}
	}
}

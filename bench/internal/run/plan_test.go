// SPDX-License-Identifier: MIT

package run

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func planOf(t *testing.T, args string) (config, []planned) {
	t.Helper()
	c, err := parse(strings.Fields(args))
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := selectKinds(c.peers)
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.plan(kinds, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, all
}

func names(p planned) (all []string) {
	for _, who := range p.contenders {
		all = append(all, who.String())
	}
	return all
}

func TestTheDefaultRunIsOfWhatTargetsNeed(t *testing.T) {
	c, all := planOf(t, "-work thr -transports ipc -sizes 1048576 -place 1cpu")
	if got := strings.Join(names(all[0]), " "); got != "spry spry/batch spry/zmtp spry/zmtp-batch goraw/tuned libzmq" {
		t.Errorf("contenders %s", got)
	}
	if got := c.describe(all); !strings.HasPrefix(got, "1 cases, 9 rounds of each, 54 runs: about ") {
		t.Errorf("described as %q", got)
	}
	if _, all = planOf(t, "-work thr -transports ipc -sizes 1048576 -place 1cpu -peers spry/own"); len(all) != 1 || len(all[0].contenders) != 1 {
		t.Errorf("named peers: %+v", all)
	}
	if _, all = planOf(t, "-all -work flood -place free"); len(all) != 1 || len(all[0].contenders) < 10 {
		t.Errorf("all: %+v", all)
	}
	c, err := parse(strings.Fields("-work flood"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.plan(peerKinds, nil); !errors.Is(err, errNothingPlanned) {
		t.Errorf("a work without a target: %v", err)
	}
}

// A default run that takes longer is repeated by nobody.
func TestTheDefaultRunTakesAtMostAHundredMinutes(t *testing.T) {
	c, all := planOf(t, "")
	var sum time.Duration
	for _, p := range all {
		sum += time.Duration(c.rounds) * c.estimate(p)
	}
	if sum > 100*time.Minute {
		t.Error(c.describe(all))
	}
}

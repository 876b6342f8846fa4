// SPDX-License-Identifier: MIT

package run

import (
	"embed"
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
	if got := strings.Join(names(all[0]), " "); got != "spry spry/batch spry/zmtp spry/zmtp-batch goraw goraw/tuned craw craw/tuned libzmq" {
		t.Errorf("contenders %s", got)
	}
	if got := c.describe(all); !strings.HasPrefix(got, "1 cases, 9 rounds of each, 90 runs: about ") {
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

// A run that takes longer is repeated by nobody. It is made in parts, of which each has room for a round.
func TestTheSetsTakeAtMostTwoHours(t *testing.T) {
	whole := 0
	for set, want := range map[string]struct {
		limit  time.Duration
		rounds int
	}{setCore: {97 * time.Minute, 9}, setWeb: {25 * time.Minute, 21}} {
		c, all := planOf(t, "-set "+set)
		whole += len(all)
		var sum time.Duration
		for _, p := range all {
			took, _ := c.estimateAll(p)
			sum += took
			if p.rounds != want.rounds || setOf(p.Case) != set {
				t.Errorf("%s, %s: %d rounds", set, p.Title(), p.rounds)
			}
		}
		if sum > want.limit {
			t.Errorf("%s: %s", set, c.describe(all))
		}
		if longest := c.longest(all); longest > 100*time.Second {
			t.Errorf("%s: a round takes %s", set, longest)
		}
	}
	if _, all := planOf(t, ""); len(all) != whole {
		t.Errorf("%d cases without a set, and %d in both", len(all), whole)
	}
	if _, all := planOf(t, "-rounds 7 -work thr -transports ws"); all[0].rounds != 7 {
		t.Errorf("%d rounds, and not those that were asked for", all[0].rounds)
	}
}

// A plan needs no peer and measures nothing.
func TestAPlanIsDry(t *testing.T) {
	t.Setenv("PATH", "")
	var text strings.Builder
	if err := Main(t.Context(), strings.Fields("-plan -work thr,layers -place 1cpu"), embed.FS{}, &text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"core, thr, 1cpu: 14 cases, 9 rounds", "web, layers, 1cpu: 2 cases, 21 rounds", "all: 24 cases, 9 or 21 rounds", "the longest round"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in:\n%s", want, &text)
		}
	}
}

// SPDX-License-Identifier: MIT

package worker

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
	var took []time.Duration
	for i := 1000; i > 0; i-- {
		took = append(took, time.Duration(i)*time.Microsecond)
	}
	if p50, p99, p999 := percentiles(took); p50 != 500 || p99 != 990 || p999 != 999 {
		t.Errorf("percentiles of 1 to 1000: %v, %v, %v", p50, p99, p999)
	}
}

func TestSettings(t *testing.T) {
	s, err := parse([]string{"url=tcp://127.0.0.1:1", "size=8", "mode=batch", "secs=0.5", "callers=3"})
	if err != nil || s.URL != "tcp://127.0.0.1:1" || s.Size != 8 || s.Mode != "batch" || s.Secs != 0.5 || s.Calls != 3 {
		t.Errorf("parsed as %+v, %v", s, err)
	}
	for _, wrong := range []string{"size=1", "size=x", "n=-1", "colour=red", "size"} {
		if _, err := parse([]string{wrong}); err == nil {
			t.Errorf("%s was accepted", wrong)
		}
	}
}

func TestWhatAPeerLacksIsNotApplicable(t *testing.T) {
	for role := range roles {
		err := Run(Peer{}, []string{role}, strings.NewReader(""), io.Discard)
		if !errors.Is(err, ErrNotApplicable) {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// SPDX-License-Identifier: MIT

package run

import "testing"

const ddsperfText = `[20461] participant vm:20461: new (self)
[20461] participant vm:20459: new
[20461] 2.000  vm:20459 size 64 mean 27.088us min 15.935us 50% 25.287us 90% 30.221us 99% 70.998us max 803.335us cnt 18346
[20461] 2.000  rss:7.6MB vcsw:9390 ivcsw:9186 recvUC:23%+26%
[20461] 3.000  vm:20459 size 64 mean 26.334us min 12.684us 50% 24.771us 90% 30.081us 99% 69.731us max 1395.016us cnt 18873
[20461] 3.000  rss:8.0MB vcsw:8309 ivcsw:10545 recvUC:18%+30%
`

func TestTheLastReportOfDDSPerfCounts(t *testing.T) {
	s, err := parseDDS(ddsperfText)
	if err != nil || len(s) != 2 || s["p50"] != 24.771 || s["p99"] != 69.731 {
		t.Errorf("%v, %v", s, err)
	}
	if s, err := parseDDS("[20461] participant vm:20461: new (self)\n"); err == nil {
		t.Errorf("no report: %v", s)
	}
}

func TestAMissingProgramIsListed(t *testing.T) {
	t.Setenv("PATH", "")
	k, _ := kindOf(ddsperf)
	if at, err := k.find(t.Context(), "", ""); err == nil {
		t.Errorf("found at %s", at)
	}
}

// SPDX-License-Identifier: MIT

package report

import "fmt"

// An elsewhere is something that must be so, and that no run of this program shows.
type elsewhere struct {
	what string
	why  string // it is not measured, or ""
	file string // of the test that counts it, or ""
	test string
}

// byTests counts work instead of time, so that it is the same on every machine.
var byTests = []elsewhere{
	{"at 1cpu nothing gets slower than before by more than 3 %", "it takes the program of before, in the same rounds", "", ""},
	{"pipes visited and locks taken for one more pipe are as many as without others", "", "internal/engine/lockcount_test.go", "TestLocksOfAPipeAmongMany"},
	{"membership of a pipe copies nothing", "", "internal/pattern/roster_test.go", "TestMembershipCopiesNothing"},
	{"steps of a search among all topics", "", "internal/pattern/topicindex_test.go", "TestTopicIndexSteps"},
	{"steps of a search among one subscriber's topics", "", "internal/pattern/tree_test.go", "TestTopicLookupSteps"},
	{"no goroutine is woken for each read of a flow", "", "internal/engine/readrole_test.go", "TestFlowWakesNoReader"},
	{"no timer is armed for each call", "", "internal/pattern/req_test.go", "TestCallsArmNoTimer"},
	{"no write for each TLS record", "", "transport/tlstcp/records_test.go", "TestRecordsAreWrittenTogether"},
	{"allocations for each message and connection", "", "alloc_test.go", "TestAllocationsPerMessage"},
	{"memory of 10,000 idle connections over WebSocket and TLS", "", "internal/test/stress/idle_test.go", "TestIdleConnections"},
	{"a program with tcp alone contains no more packages and code than before", "", "deps_test.go", "TestLinkedCode"},
}

func (e elsewhere) String() string {
	if e.why != "" {
		return e.what + ": " + e.why
	}
	return fmt.Sprintf("%s: %s in %s", e.what, e.test, e.file)
}

// notHere lists them.
func notHere() (items []string) {
	for _, e := range byTests {
		items = append(items, e.String())
	}
	return items
}

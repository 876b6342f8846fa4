// SPDX-License-Identifier: MIT

package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSpread(t *testing.T) {
	if got := SpreadOf([]float64{5, 1, 3}); got != (Spread{3, 1, 5, 3}) {
		t.Errorf("odd: %+v", got)
	}
	if got := SpreadOf([]float64{4, 1, 2, 10}); got != (Spread{3, 1, 10, 4}) {
		t.Errorf("even: %+v", got)
	}
}

func example() *Report {
	c := Case{Work: "thr", Transport: "tcp", Size: 64, Place: "1cpu"}
	return &Report{
		Missing: map[string]string{"libnng": "no <headers>"},
		Rows: []Row{
			{Case: c, Contender: "spry", Metrics: map[string]Spread{"rate": {600, 500, 700, 3}}},
			{Case: c, Contender: "libzmq", Metrics: map[string]Spread{"rate": {200, 100, 300, 3}}},
			{Case: c, Contender: "nats", Reason: "-"},
		},
	}
}

func TestEveryFormatHasRatiosAndWhatIsMissing(t *testing.T) {
	formats := example().Formats()
	formats["text"] = example().Text
	for name, show := range formats {
		var b bytes.Buffer
		if err := show(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range []string{"libnng", "nats", "spry"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not name %s:\n%s", name, want, &b)
			}
		}
		if name != "bench.json" && !strings.Contains(b.String(), "3.00") {
			t.Errorf("%s does not have the ratio:\n%s", name, &b)
		}
	}
}

func TestDocumentKeepsWhatIsAroundItsTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(path, []byte("before\n"+tablesBegin+"old\n"+tablesEnd+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := example().UpdateDocument(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, "after\n") || strings.Contains(got, "old") {
		t.Errorf("document:\n%s", got)
	}
	if err := os.WriteFile(path, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := example().UpdateDocument(path); err == nil {
		t.Error("a document without marks was accepted")
	}
}

// SPDX-License-Identifier: MIT

package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// documents makes a folder with both documents, the tables generated with the text given.
func documents(t *testing.T, tables string) (folder string, read func(name string) string) {
	t.Helper()
	folder = t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "performance"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{tablesFile: tables, overviewFile: "old\n"} {
		text = "before\n" + generatedBegin + text + generatedEnd + "after\n"
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(chartFile)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, chartFile), []byte(oldChart), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

const oldChart = "# What it is.\n# title: A title\n# desc: The old text.\n# caption: 2026-01-02; an old machine\n# caption: By medians of three rounds.\n" +
	"panel,better,table,column,peer,label,figure\n" +
	"\"One way, 64 B: messages a second\",more,\"One way, tcp, 64 B, 1cpu\",msg/s,spry,Spry,1M\n" +
	"\"One way, 64 B: messages a second\",more,\"One way, tcp, 64 B, 1cpu\",msg/s,libzmq,libzmq,2\n" +
	"\"One way, 64 B: messages a second\",more,\"One way, tcp, 64 B, 1cpu\",msg/s,nats,NATS,3\n"

func TestTheChartHasTheFiguresOfTheTables(t *testing.T) {
	folder, read := documents(t, oldTables)
	r := example()
	r.Machine = "a new machine"
	r.Rows[0].Origin = Origin{Date: "2026-11-30", Secs: 0.4}
	r.Rows[0].Metrics["rate"] = Samples{2e6, 2e6, 2e6}
	if err := r.UpdateDocuments(folder); err != nil {
		t.Fatal(err)
	}
	want := "# What it is.\n# title: A title\n# desc: Bar charts. One way, 64 B: messages a second: Spry 2 million, libzmq 200.\n" +
		"# caption: 2026-11-30; a new machine\n# caption: By medians of 3 rounds.\npanel,better,table,column,peer,label,figure\n" +
		"\"One way, 64 B: messages a second\",more,\"One way, tcp, 64 B, 1cpu\",msg/s,spry,Spry,2M\n" +
		"\"One way, 64 B: messages a second\",more,\"One way, tcp, 64 B, 1cpu\",msg/s,libzmq,libzmq,200\n" +
		"\"One way, 64 B: messages a second\",more,\"One way, tcp, 64 B, 1cpu\",msg/s,nats,NATS,-\n"
	if got := read(chartFile); got != want {
		t.Errorf("the chart is\n%s\nwant\n%s", got, want)
	}
}

// The chart of the documents is that of their tables, as it would be written again.
func TestTheChartOfTheDocumentsIsCurrent(t *testing.T) {
	docs := filepath.Join("..", "..", "..", "docs")
	tables, err := os.ReadFile(filepath.Join(docs, tablesFile))
	if err != nil {
		t.Fatal(err)
	}
	chart, err := os.ReadFile(filepath.Join(docs, chartFile))
	if err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "chart.csv")
	if err := os.WriteFile(again, chart, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := updateChart(again, string(tables)); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(again); err != nil || string(got) != string(chart) {
		t.Errorf("docs/%s is not of its tables: %v; now it is\n%s", chartFile, err, got)
	}
}

const oldTables = "### Targets\n\n| target | measured | must | is | goal | is | cases | worst |\n|---|---|---|---|---|---|---|---|\n| another | met |\n| One way, 64 B, 1cpu: spry, msg/s x goraw | old |\n\n" +
	"### Other work\n\n| peer |\n|---|\n| kept |\n\n### One way, tcp, 64 B, 1cpu\n\n| peer |\n|---|\n| old |\n"

func TestAPartialRunReplacesItsTables(t *testing.T) {
	folder, read := documents(t, oldTables)
	r := example()
	r.Partial = true
	r.Rows[0].Origin = Origin{Date: "2026-11-30", Secs: 0.4}
	r.Rows = append(r.Rows, Row{Case: r.Rows[0].Case, Contender: "goraw", Metrics: map[string]Samples{"rate": {900, 900, 900}}})
	if err := r.UpdateDocuments(folder); err != nil {
		t.Fatal(err)
	}
	got := read(tablesFile)
	for _, want := range []string{"before\n", "| kept |", "| another | met |\n", "| One way, 64 B, 1cpu: spry, msg/s x goraw | 0.667", "| nats |", "after\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "old") || strings.Count(got, "x goraw | 0.667") != 1 {
		t.Errorf("old tables are kept, or a line is there twice:\n%s", got)
	}
	if got := read(overviewFile); !strings.Contains(got, "| Spry | 600 |") || strings.Contains(got, "old") || !strings.Contains(got, "Measured 2026-11-30; ") {
		t.Errorf("overview:\n%s", got)
	}
}

// gates is a report of all cases of all targets, without figures but for one.
func gates() *Report {
	r := example()
	r.Partial = true
	for _, one := range targets {
		for _, transport := range one.transports {
			for _, size := range one.sizes {
				for _, param := range one.params {
					r.Rows = append(r.Rows, Row{Case: Case{one.work, transport, size, param, one.place}, Contender: "spry", Reason: "-"})
				}
			}
		}
	}
	return r
}

func TestARunOfAllGatesReplacesTheTargets(t *testing.T) {
	folder, read := documents(t, oldTables)
	if err := gates().UpdateDocuments(folder); err != nil {
		t.Fatal(err)
	}
	got := read(tablesFile)
	if !strings.Contains(got, "| kept |") || strings.Contains(got, "another") {
		t.Errorf("a table is lost, or a target is kept:\n%s", got)
	}
	if run, list, table := strings.Index(got, "### Run"), strings.Index(got, "### Targets not measured"), strings.Index(got, "### Other work"); run < 0 ||
		list < run || table < list {
		t.Errorf("parts are out of order:\n%s", got)
	}
}

func TestACompleteRunReplacesAllTables(t *testing.T) {
	folder, read := documents(t, oldTables)
	if err := example().UpdateDocuments(folder); err != nil {
		t.Fatal(err)
	}
	if got := read(tablesFile); strings.Contains(got, "kept") || strings.Contains(got, "another") || !strings.Contains(got, "after\n") {
		t.Errorf("document:\n%s", got)
	}
}

func TestADocumentWithoutMarksIsRefused(t *testing.T) {
	folder, _ := documents(t, "")
	if err := os.WriteFile(filepath.Join(folder, overviewFile), []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := example().UpdateDocuments(folder); err == nil || !strings.Contains(err.Error(), overviewFile) {
		t.Errorf("error %v", err)
	}
}

func TestTheDocumentsHaveTheMarks(t *testing.T) {
	for _, name := range []string{tablesFile, overviewFile} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), generatedBegin) != 1 || strings.Count(string(text), generatedEnd) != 1 {
			t.Errorf("docs/%s does not have both marks once", name)
		}
	}
}

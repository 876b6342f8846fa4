// SPDX-License-Identifier: MIT

package prometheus_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/sprymq/spry/observe"
)

// The dashboard and the rules ask for metrics that exist.
func TestNamesExist(t *testing.T) {
	exist := make(map[string]bool)
	for _, f := range (&observe.Report{}).Families(1) {
		switch f.Kind {
		case observe.Counter:
			exist[f.Name+"_total"] = true
		case observe.Info:
			exist[f.Name+"_info"] = true
		case observe.Histogram:
			exist[f.Name+"_bucket"] = true
		default:
			exist[f.Name] = true
		}
	}
	for _, file := range []string{"dashboard.json", "rules.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\bspry_\w+`).FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("%s asks for %d metrics", file, len(names))
		}
		for _, name := range names {
			if !exist[name] {
				t.Errorf("%s asks for %s, which does not exist", file, name)
			}
		}
	}
}
